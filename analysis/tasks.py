"""Celery tasks of traffic analysis."""

import logging

from celery import shared_task

from analysis.services.intake import keep_days

logger = logging.getLogger(__name__)


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def keep_partitions() -> None:
    """Every hour: partitions of the next days made, days beyond the retention dropped."""
    made, dropped = keep_days()
    logger.info("days of analysis results made %s, dropped %s", made, dropped)
