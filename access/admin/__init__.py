"""Staff pages of access: organisations, people, partners; logs and tokens to look at only."""

from access.admin.alarms import AlarmDeliveryAdmin, AlarmTargetAdmin
from access.admin.base import LogAdmin, ReadOnlyAdmin, RecordedAdmin
from access.admin.logs import AlarmAdmin
from access.admin.partners import PartnerAdmin, PartnerTokenAdmin
from access.admin.secrets import SecretsForm
from access.admin.staff import OrganisationAdmin, StaffAdmin

__all__ = [
    "AlarmAdmin",
    "AlarmDeliveryAdmin",
    "AlarmTargetAdmin",
    "LogAdmin",
    "OrganisationAdmin",
    "PartnerAdmin",
    "PartnerTokenAdmin",
    "ReadOnlyAdmin",
    "RecordedAdmin",
    "SecretsForm",
    "StaffAdmin",
]
