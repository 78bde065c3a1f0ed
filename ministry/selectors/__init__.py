from ministry.selectors.analyses import deliveries_of, owed_analyses, sendable_analyses
from ministry.selectors.owed import (
    CAMERA_INTERFACES,
    Backlog,
    Owed,
    Rank,
    are_registrations_under_way,
    backlog_by_interface,
    current_hour,
    hourly_progress,
    sendable,
)

__all__ = [
    "CAMERA_INTERFACES",
    "Backlog",
    "Owed",
    "Rank",
    "are_registrations_under_way",
    "backlog_by_interface",
    "current_hour",
    "deliveries_of",
    "hourly_progress",
    "owed_analyses",
    "sendable",
    "sendable_analyses",
]
