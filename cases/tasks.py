"""Celery tasks of case files."""

import logging

from celery import shared_task
from django.utils import timezone

from cases.services.files import settle_gaps

logger = logging.getLogger(__name__)


@shared_task(soft_time_limit=200, time_limit=220, expires=3000)
def settle() -> None:
    """Every hour: why slots have no picture is kept, before the rows that say so go with their day."""
    logger.info("gaps of %s cameras in cases are settled", settle_gaps(now=timezone.now()))
