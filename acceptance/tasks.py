"""Celery tasks of acceptance: ids in, service called."""

from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task

from acceptance.models import AcceptanceReport
from acceptance.services.reports import carry_out, give_up


# The broker hands a task out again only after twice the hard limit (design.md section 4).
@shared_task(soft_time_limit=420, time_limit=440, expires=120)
def run_acceptance(report_id: int) -> None:
    report = AcceptanceReport.objects.select_related("gateway__partner").get(pk=report_id)
    try:
        for _ in carry_out(report=report):
            pass
    except SoftTimeLimitExceeded:
        give_up(report=report, why="验收超过了时限")
