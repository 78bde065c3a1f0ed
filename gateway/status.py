"""What the people of the road section see of their gateway: every camera, and why it does not work."""

import html
from collections.abc import Iterator

from gateway.cameras import Camera, Cameras
from gateway.channels import Channels, PushState
from protocol.codes import OnlineStatus, VideoType

_STATUS = {OnlineStatus.ONLINE: "在线", OnlineStatus.OFFLINE: "离线", OnlineStatus.FAULT: "故障"}
_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>视频上云网关</title>
<meta http-equiv="refresh" content="10">
<style>body{{font:14px sans-serif;margin:1.5rem}}table{{border-collapse:collapse}}
th,td{{padding:.3rem .7rem;border-bottom:1px solid #ddd;text-align:left}}.bad{{color:#b00}}</style></head>
<body><h1>视频上云网关</h1>
<p>摄像机 {cameras}，在线 {online}；正在推流 {pushing}；转码 {used:.2f} / {cores:g} 核</p>
<table><thead><tr><th>摄像机</th><th>编号</th><th>状态</th><th>原因</th><th>推流</th></tr></thead>
<tbody>{rows}</tbody></table></body></html>
"""


class StatusBoard:
    def __init__(self, cameras: Cameras, channels: Channels) -> None:
        self._cameras = cameras
        self._channels = channels

    def facts(self) -> dict[str, object]:
        return {
            "transcoding": {
                "used": round(self._channels.budget.used, 3),
                "cores": self._channels.budget.cores,
            },
            "cameras": [self._facts_of(camera) for camera in self._cameras],
        }

    def page(self) -> str:
        online = sum(camera.status is OnlineStatus.ONLINE for camera in self._cameras)
        budget = self._channels.budget
        return _PAGE.format(
            cameras=len(self._cameras),
            online=online,
            pushing=self._channels.pushing,
            used=budget.used,
            cores=budget.cores,
            rows="".join(self._rows()),
        )

    def _facts_of(self, camera: Camera) -> dict[str, object]:
        defect = camera.defect
        return {
            "cameraNum": camera.num,
            "cameraName": camera.record.camera_name,
            "online": int(camera.status),
            "trouble": defect.trouble.name.lower() if defect else None,
            "reason": defect.reason if defect else None,
            "pushes": [
                {"videoType": int(push.video_type), "pushing": push.is_pushing, "failure": push.failure}
                for push in self._channels.pushes_of(camera)
            ],
        }

    def _rows(self) -> Iterator[str]:
        for camera in sorted(self._cameras, key=lambda one: (one.defect is None, one.record.camera_name)):
            defect = camera.defect
            cells = (
                camera.record.camera_name,
                camera.num,
                _STATUS[camera.status],
                f"{defect.trouble.value}：{defect.reason}" if defect else "",
                "；".join(_in_words(push) for push in self._channels.pushes_of(camera)),
            )
            row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            yield f'<tr class="bad">{row}</tr>' if defect else f"<tr>{row}</tr>"


def _in_words(push: PushState) -> str:
    name = "高码流" if push.video_type is VideoType.HIGH else "低码流"
    return f"{name} 推流中" if push.is_pushing else f"{name} {push.failure or '等待画面'}"
