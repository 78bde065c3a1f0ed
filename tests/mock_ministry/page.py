"""The page a person looks at."""

from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any

_BEIJING = timezone(timedelta(hours=8))
_STATUS = {0: "离线", 1: "在线", 2: "故障", None: "未上报"}

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<title>模拟部级平台</title><style>
body {{ font: 14px/1.6 system-ui, sans-serif; margin: 2rem; color: #1c2733; background: #f6f8fa }}
table {{ border-collapse: collapse; background: #fff; width: 100%; margin-bottom: 2rem }}
th, td {{ text-align: left; padding: .3rem .7rem; border-bottom: 1px solid #e3e8ee }}
th {{ background: #eef2f6 }} .s1 {{ color: #14804a }} .s0, .s2 {{ color: #b42318 }}
</style></head><body>
<h1>模拟部级平台</h1>
<p>已注册摄像机 {count} 台，单位 {departments} 个，在线 {online} 台，智能分析结果 {analyses} 条。</p>
<h2>摄像机</h2>
<table><thead><tr><th>单位</th><th>路段</th><th>名称</th><th>路线</th><th>桩号</th><th>状态</th><th>图像质量</th></tr></thead>
<tbody>{cameras}</tbody></table>
<h2>智能分析结果</h2>
<table><thead><tr><th>接收时间</th><th>摄像机编号</th><th>数据</th></tr></thead>
<tbody>{analysis}</tbody></table>
<h2>最近的调用</h2>
<table><thead><tr><th>时间</th><th>接口</th><th>单位</th><th>条数</th><th>响应码</th><th>消息</th></tr></thead>
<tbody>{calls}</tbody></table>
</body></html>"""


def render(state: dict[str, Any], calls: list[dict[str, Any]]) -> str:
    statuses, qualities = state["statuses"], state["qualities"]
    return _PAGE.format(
        count=len(state["cameras"]),
        departments=len(state["departments"]),
        online=sum(1 for status in statuses.values() if status == 1),
        analyses=len(state["analysis"]),
        cameras="".join(_camera(camera, statuses, qualities) for camera in state["cameras"][:200]),
        analysis="".join(_analysis(item) for item in reversed(state["analysis"][-20:])),
        calls="".join(_call(call) for call in reversed(calls[-40:])),
    )


def _camera(camera: dict[str, Any], statuses: dict[str, Any], qualities: dict[str, Any]) -> str:
    status = statuses.get(camera["cameraNum"])
    cells = [str(camera[name]) for name in ("department", "roadSec", "cameraName", "road", "pileNum")]
    return (
        f"<tr>{_cells(cells)}<td class='s{status}'>{_STATUS[status]}</td>"
        f"{_cells([qualities.get(camera['cameraNum'], '未上报')])}</tr>"
    )


def _analysis(item: dict[str, Any]) -> str:
    return f"<tr>{_cells([_clock(item['received_at']), str(item['cameraNum']), item['data'][:300]])}</tr>"


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, _BEIJING).strftime("%m-%d %H:%M:%S")


def _call(call: dict[str, Any]) -> str:
    at = _clock(call["time"])
    return f"<tr>{_cells([at, *(str(call[name]) for name in ('verb', 'department', 'count', 'code', 'msg'))])}</tr>"


def _cells(texts: list[str]) -> str:
    return "".join(f"<td>{escape(text)}</td>" for text in texts)
