"""Celery tasks of the ledger."""

from celery import shared_task

from cameras.history import forget_old_changes
from cameras.models import StatusChange
from cameras.services.certificates import warn_of_certificates
from cameras.services.configurations import tell_gateways
from cameras.services.ledger import report_moves
from cameras.services.status import settle_statuses


@shared_task(soft_time_limit=24, time_limit=27, expires=2)
def settle() -> None:
    """Every second: let offlines outlive the blip filter, graces run out, moves be told upward."""
    settle_statuses()
    report_moves()


@shared_task(soft_time_limit=40, time_limit=45, expires=3000)
def watch_certificates() -> None:
    """Every hour: tell of gateways whose certificate ends soon."""
    warn_of_certificates()


@shared_task(soft_time_limit=40, time_limit=45, expires=5)
def tell_configurations() -> None:
    """Every five seconds: let gateways know that there is another configuration for them."""
    tell_gateways()


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def forget_old_statuses() -> None:
    """Every night."""
    forget_old_changes(StatusChange)
