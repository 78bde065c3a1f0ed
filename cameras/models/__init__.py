from cameras.models.cameras import Camera, PtzGrant
from cameras.models.configurations import CameraSource, GatewayConfiguration
from cameras.models.gateways import Gateway
from cameras.models.history import CameraChange
from cameras.models.imports import LedgerImport
from cameras.models.rights import CameraException, CameraGroup, GroupChange, GroupMember
from cameras.models.status import StatusChange
from cameras.models.walls import WallPreset

__all__ = [
    "Camera",
    "CameraChange",
    "CameraException",
    "CameraGroup",
    "CameraSource",
    "Gateway",
    "GatewayConfiguration",
    "GroupChange",
    "GroupMember",
    "LedgerImport",
    "PtzGrant",
    "StatusChange",
    "WallPreset",
]
