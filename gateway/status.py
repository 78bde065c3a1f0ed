"""What the people of the road section see of their gateway: every camera, and why it does not work."""

import html
from collections.abc import Iterator

from gateway.assigned import AssignedCameras
from gateway.cameras import Camera, Cameras
from gateway.channels import Channels, PushState
from protocol.codes import OnlineStatus, VideoType
from protocol.configuration import LONGEST_REASON, Origin

_STATUS = {OnlineStatus.ONLINE: "在线", OnlineStatus.OFFLINE: "离线", OnlineStatus.FAULT: "故障"}
_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>视频上云网关</title>
<meta http-equiv="refresh" content="10">
<style>body{{font:14px sans-serif;margin:1.5rem}}table{{border-collapse:collapse}}
th,td{{padding:.3rem .7rem;border-bottom:1px solid #ddd;text-align:left}}.bad{{color:#b00}}</style></head>
<body><h1>视频上云网关</h1>
<p>摄像机 {cameras}，在线 {online}；正在推流 {pushing}；转码 {used:.2f} / {cores:g} 核；{configuration}</p>
<table><thead><tr><th>摄像机</th><th>编号</th><th>状态</th><th>原因</th><th>推流</th></tr></thead>
<tbody>{rows}</tbody></table></body></html>
"""


class StatusBoard:
    def __init__(self, cameras: Cameras, channels: Channels, assigned: AssignedCameras | None = None) -> None:
        self._cameras = cameras
        self._channels = channels
        self._assigned = assigned

    def facts(self) -> dict[str, object]:
        return {
            "configuration": self._configuration(),
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
            configuration=html.escape(self._configuration_in_words()),
            rows="".join(self._rows()),
        )

    def running(self) -> list[dict[str, str]]:
        """Each camera as the platform is told of it: where its configuration is from, what keeps it from working."""
        return [
            {
                "cameraNum": camera.num,
                "origin": Origin.PLATFORM if camera.is_assigned else Origin.FILE,
                "fault": self._fault_of(camera)[:LONGEST_REASON],
            }
            for camera in self._cameras
        ]

    def _fault_of(self, camera: Camera) -> str:
        if camera.defect is not None:
            return camera.defect.reason
        return next((push.failure for push in self._channels.pushes_of(camera) if push.failure), "")

    def _configuration(self) -> dict[str, object] | None:
        if self._assigned is None:
            return None
        rejected = self._assigned.rejected
        return {"version": self._assigned.version, "rejected": rejected.to_wire() if rejected else None}

    def _configuration_in_words(self) -> str:
        if self._assigned is None:
            return "配置只用本机文件"
        version = self._assigned.version
        said = "平台尚无配置" if version is None else f"平台配置第 {version} 版"
        rejected = self._assigned.rejected
        return f"{said}，新的一版有误未采用：{rejected.faults[0]}" if rejected else said

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
