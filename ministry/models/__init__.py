from ministry.models.calls import DeliveryCall
from ministry.models.checks import LedgerCheck, LedgerDifference
from ministry.models.deliveries import AnalysisDelivery, CameraDelivery, DeliveryTrouble
from ministry.models.platforms import InterfaceState, UpperPlatform

__all__ = [
    "AnalysisDelivery",
    "CameraDelivery",
    "DeliveryCall",
    "DeliveryTrouble",
    "InterfaceState",
    "LedgerCheck",
    "LedgerDifference",
    "UpperPlatform",
]
