from access.models.alarms import Alarm, AlarmDelivery, AlarmTarget
from access.models.logs import BehaviourLog
from access.models.organisations import Organisation
from access.models.partners import Application, Partner, PartnerToken
from access.models.staff import StaffRole, User

__all__ = [
    "Alarm",
    "AlarmDelivery",
    "AlarmTarget",
    "Application",
    "BehaviourLog",
    "Organisation",
    "Partner",
    "PartnerToken",
    "StaffRole",
    "User",
]
