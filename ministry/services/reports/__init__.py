"""The five things told to an upper platform; one module and one line here for each verb."""

from typing import Final

from ministry.choices import Interface
from ministry.services.reports.analyses import Analyses
from ministry.services.reports.base import Report
from ministry.services.reports.deletions import Deletions
from ministry.services.reports.registrations import Registrations
from ministry.services.reports.states import Qualities, Statuses

REPORTS: Final[dict[Interface, Report]] = {
    report.interface: report for report in (Registrations(), Deletions(), Statuses(), Qualities(), Analyses())
}
