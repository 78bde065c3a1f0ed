from cameras.models.cameras import Camera, PtzGrant
from cameras.models.gateways import Gateway
from cameras.models.status import StatusChange

__all__ = ["Camera", "Gateway", "PtzGrant", "StatusChange"]
