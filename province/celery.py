"""The Celery application and the one timetable of the platform."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "province.settings")  # noqa: TID251

app = Celery("province")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
