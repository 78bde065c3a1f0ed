"""A hand in the store behind everybody's back, so that a reconciliation has something to find."""

from typing import Any

from tests.mock_ministry.document import camera_faults, is_quality, is_status
from tests.mock_ministry.history import History
from tests.mock_ministry.memory import Memory


class TamperError(Exception):
    """What was asked for cannot be done to the store."""


def tamper(memory: Memory, history: History, wanted: dict[str, Any]) -> None:
    """TamperError, KeyError for what cannot be done.

    `{"action": "drop", "cameraNum"}`, `{"action": "ghost", "record"}`, `{"action": "change", "cameraNum",
    "field", "value"}`, `{"action": "status", "cameraNum", "online"}`, `{"action": "quality", "cameraNum",
    "cameraStatus"}`.
    """
    action = wanted.get("action")
    if action == "ghost":
        record = wanted.get("record")
        if not isinstance(record, dict) or (faults := camera_faults(record)):
            raise TamperError("；".join(faults) if isinstance(record, dict) else "缺少 record")
        _keep(memory, history, record)
        return
    key = str(wanted.get("cameraNum", "")).lower()
    if key not in memory.cameras.rows:
        raise TamperError(f"没有摄像机 {wanted.get('cameraNum')}")
    if action == "drop":
        memory.forget_cameras([key])
        history.add_all("record", [(key, None)])
    elif action == "change":
        _keep(memory, history, {**memory.cameras.rows[key], str(wanted["field"]): wanted["value"]})
    elif action == "status" and is_status(wanted):
        memory.statuses.put([(key, wanted["online"])])
        history.add_all("status", [(key, wanted["online"])])
    elif action == "quality" and is_quality(wanted):
        memory.qualities.put([(key, wanted["cameraStatus"])])
        history.add_all("quality", [(key, wanted["cameraStatus"])])
    else:
        raise TamperError(f"不能 {action}")


def _keep(memory: Memory, history: History, record: dict[str, Any]) -> None:
    pair = [(str(record["cameraNum"]).lower(), record)]
    memory.cameras.put(pair)
    history.add_all("record", pair)
