from ministry.selectors.analyses import deliveries_of, owed_analyses, sendable_analyses
from ministry.selectors.owed import (
    CAMERA_INTERFACES,
    Backlog,
    Owed,
    Rank,
    are_registrations_under_way,
    backlog,
    backlog_by_interface,
    current_hour,
    hourly_progress,
    sendable,
    unknown_cameras,
)

__all__ = [
    "CAMERA_INTERFACES",
    "Backlog",
    "Owed",
    "Rank",
    "are_registrations_under_way",
    "backlog",
    "backlog_by_interface",
    "current_hour",
    "deliveries_of",
    "hourly_progress",
    "owed_analyses",
    "sendable",
    "sendable_analyses",
    "unknown_cameras",
]
