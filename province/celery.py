"""The Celery application and the one timetable of the platform."""

import os

from celery import Celery
from celery.schedules import crontab
from django.conf import settings

from rates.timing import COUNT_MINUTE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "province.settings")  # noqa: TID251

app = Celery("province")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_scheduler = "redbeat.RedBeatScheduler"
app.conf.beat_max_loop_interval = 1
# Longer than twice the hardest task limit, so that no running task is handed out again (design.md 4).
app.conf.broker_transport_options = {
    "visibility_timeout": 900,
    # What a killed worker held returns after seconds, not after minutes.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
# Queues by kind of work (design.md section 4), each with a worker of its own.
app.conf.task_routes = {
    "ministry.tasks.*": {"queue": "reports"},
    # A webhook that is silent holds its process for seconds: the end of a PTZ movement must not wait for it.
    "access.tasks.tell_one": {"queue": "reports"},
    "snapshots.tasks.capture_shard": {"queue": "captures"},
    "quality.tasks.look_at_bursts": {"queue": "diagnosis"},
    # Seconds of work for the database; nothing on the default queue may wait for it.
    "rates.tasks.count_days": {"queue": "diagnosis"},
    "access.tasks.verify_behaviour_log": {"queue": "diagnosis"},
    "access.tasks.forget_*": {"queue": "diagnosis"},
    "incidents.tasks.forget": {"queue": "diagnosis"},
    "cases.tasks.settle": {"queue": "diagnosis"},
    "cameras.tasks.forget_old_statuses": {"queue": "diagnosis"},
    "quality.tasks.forget_old_qualities": {"queue": "diagnosis"},
    # They read streams for most of a minute, or for minutes, which nothing else may wait for.
    "acceptance.tasks.run_acceptance": {"queue": "probes"},
    "streaming.tasks.check_playability": {"queue": "probes"},
}


@app.on_after_configure.connect
def _tell_redbeat(sender: Celery, **_: object) -> None:
    # Celery drops names of the settings that it does not know itself.
    sender.conf.update(
        redbeat_redis_url=settings.REDIS_URL,
        redbeat_redis_options={"retry_period": 60},
        redbeat_lock_timeout=settings.BEAT_LOCK_SECONDS,
    )


# Seconds after which an hourly or nightly run that nobody took is left to the next one.
_SOON = 3000


def _every(task: str, seconds: float) -> dict[str, object]:
    # A run that nobody took within its period is worth nothing: the next one is due.
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 2)}}


def on_the_clock(seconds: int) -> crontab | float:
    """Every so many seconds counted from the full hour; check snapshots.E003 allows what divides it.

    Trials with rounds under a minute have them at any second of it.
    """
    return crontab(minute=f"*/{seconds // 60}") if 60 <= seconds < 3600 else float(max(seconds, 1))


def _hourly(task: str, *, minute: int) -> dict[str, object]:
    return {"task": task, "schedule": crontab(minute=minute), "options": {"expires": _SOON}}


def _nightly(task: str, *, hour: int, minute: int) -> dict[str, object]:
    """In the time zone of the province."""
    return {"task": task, "schedule": crontab(hour=hour, minute=minute), "options": {"expires": _SOON}}


app.conf.beat_schedule = {
    "settle-statuses": _every("cameras.tasks.settle", 1),
    "tell-configurations": _every("cameras.tasks.tell_configurations", 5),
    "watch-certificates": _hourly("cameras.tasks.watch_certificates", minute=7),
    "keep-streams": _every("streaming.tasks.keep_streams", 2),
    "fold-incidents": _every("incidents.tasks.fold", 10),
    "tell-alarms": _every("access.tasks.tell_targets", 5),
    "forget-alarms": _nightly("access.tasks.forget_alarms", hour=3, minute=17),
    "forget-incidents": _nightly("incidents.tasks.forget", hour=3, minute=27),
    "reconcile-media": _every("streaming.tasks.reconcile_media_servers", 5),
    "end-viewings-without-right": _every("streaming.tasks.end_viewings_without_right", 5),
    "note-viewer-peaks": _every("streaming.tasks.note_peaks", 5),
    "judge-egress": _every("streaming.tasks.judge_egress", 5),
    "check-playability": _every("streaming.tasks.check_playability", 60),
    "stop-overdue-ptz": _every("ptz.tasks.stop_overdue", 2),
    "report-upward": _every("ministry.tasks.sync_all", 1),
    "watch-reports-upward": _every("ministry.tasks.watch", 30),
    # When the hourly reports are over.
    "check-ledgers-upward": _hourly("ministry.tasks.check_ledgers", minute=12),
    "seal-behaviour-log": _every("access.tasks.seal_behaviour_log", 5),
    "anchor-behaviour-log": _hourly("access.tasks.anchor_behaviour_log", minute=3),
    "verify-behaviour-log": _nightly("access.tasks.verify_behaviour_log", hour=2, minute=13),
    "forget-behaviour-log": _nightly("access.tasks.forget_behaviour_log", hour=3, minute=13),
    "forget-sessions": _nightly("access.tasks.forget_sessions", hour=3, minute=23),
    "keep-analysis-partitions": _hourly("analysis.tasks.keep_partitions", minute=27),
    "keep-delivery-partitions": _hourly("ministry.tasks.keep_partitions", minute=37),
    "forget-deleted-cameras": _hourly("quality.tasks.forget_deleted_cameras", minute=17),
    "follow-status": _every("quality.tasks.follow_status", 2),
    "look-at-bursts": _every("quality.tasks.look_at_bursts", 15),
    "count-online-days": _hourly("rates.tasks.count_days", minute=COUNT_MINUTE),
    "forget-viewer-peaks": _nightly("streaming.tasks.forget_old_peaks", hour=3, minute=47),
    "forget-old-statuses": _nightly("cameras.tasks.forget_old_statuses", hour=3, minute=52),
    "forget-old-qualities": _nightly("quality.tasks.forget_old_qualities", hour=4, minute=2),
    # On the clock, so that pictures of all cameras belong to the same slots.
    "plan-snapshots": {
        "task": "snapshots.tasks.plan_round",
        "schedule": on_the_clock(settings.SNAPSHOT_PERIOD_SECONDS),
        "options": {"expires": max(0.8 * settings.SNAPSHOT_PERIOD_SECONDS, 1)},
    },
    "mend-snapshots": _every("snapshots.tasks.mend_round", max(settings.SNAPSHOT_PERIOD_SECONDS / 10, 1)),
    "watch-snapshot-space": _every("snapshots.tasks.watch_space", 60),
    "keep-snapshot-partitions": _hourly("snapshots.tasks.keep_partitions", minute=7),
    "settle-cases": _hourly("cases.tasks.settle", minute=52),
}
