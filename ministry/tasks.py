"""Celery tasks of the reports to upper platforms."""

from celery import shared_task

from ministry.models import UpperPlatform
from ministry.services import calls, reconciliation
from ministry.services.reports import analyses
from ministry.services.sync import sync_platform
from ministry.services.watch import watch_platforms


@shared_task(soft_time_limit=240, time_limit=270, expires=2)
def sync_all() -> None:
    """Every second: hand each upper platform to a worker of its own."""
    for pk in UpperPlatform.objects.filter(is_active=True).values_list("pk", flat=True):
        sync_one.delay(pk)


@shared_task(soft_time_limit=240, time_limit=270, expires=5)
def sync_one(platform_id: int) -> None:
    platform = UpperPlatform.objects.select_related("organisation").filter(pk=platform_id).first()
    if platform is not None:
        sync_platform(platform=platform)


@shared_task(soft_time_limit=24, time_limit=27, expires=30)
def watch() -> None:
    """Every half minute: alarms about what piles up."""
    watch_platforms()


@shared_task(soft_time_limit=240, time_limit=270, expires=3000)
def check_ledgers() -> None:
    """Every hour: a task for each upper platform, so that none waits for another."""
    for pk in UpperPlatform.objects.filter(is_active=True).values_list("pk", flat=True):
        check_ledger_of.delay(pk, is_repaired=True)


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def check_ledger_of(platform_id: int, is_repaired: bool = False) -> None:
    platform = UpperPlatform.objects.filter(pk=platform_id).first()
    if platform is None:
        return
    if is_repaired:
        reconciliation.check_and_repair(platform=platform)
    else:
        reconciliation.check_ledger(platform=platform)


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def keep_partitions() -> None:
    """Every hour: partitions of the next days made, days beyond the retention dropped."""
    analyses.keep_days()
    calls.keep_days()
    reconciliation.forget_old_checks()
