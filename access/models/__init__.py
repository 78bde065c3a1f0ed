from access.models.alarms import Alarm, AlarmDelivery, AlarmTarget
from access.models.log_chain import LogAnchor, LogBlock
from access.models.logs import BehaviourLog
from access.models.organisations import Organisation
from access.models.partners import Application, Partner, PartnerToken
from access.models.sign_in import PasswordRecord, SecondFactor, StaffSession
from access.models.staff import StaffRole, User

__all__ = [
    "Alarm",
    "AlarmDelivery",
    "AlarmTarget",
    "Application",
    "BehaviourLog",
    "LogAnchor",
    "LogBlock",
    "Organisation",
    "Partner",
    "PartnerToken",
    "PasswordRecord",
    "SecondFactor",
    "StaffRole",
    "StaffSession",
    "User",
]
