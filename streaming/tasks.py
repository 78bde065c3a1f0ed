"""Celery tasks of streaming: ids in, service called."""

import secrets

from celery import shared_task
from django.core.cache import cache

from streaming.services import (
    egress,
    orders,
    playability,
    presence,
    pushes,
    relocation,
    unannounced,
    viewings,
    withdrawal,
)

# Longer than the hard limit of the task that holds it; a killed worker is outlived by seconds only.
ORDERS_LOCK_SECONDS = 30


@shared_task(soft_time_limit=24, time_limit=27, expires=5)
def keep_streams() -> None:
    """Every 2 seconds: which streams are wanted and where, and gateways that have orders to be given."""
    relocation.relocate_streams()
    pushes.plan_low_streams()
    pushes.keep_hot_streams()
    pushes.release_idle_high_streams()
    for gateway_id in orders.gateways_with_due_orders():
        give_orders.delay(gateway_id)


@shared_task(soft_time_limit=24, time_limit=27, expires=10)
def give_orders(gateway_id: int) -> None:
    """The due orders of one gateway; one task a gateway at a time keeps its pace."""
    key, ours = f"streaming:orders:{gateway_id}", secrets.token_hex(8)
    if not cache.add(key, ours, timeout=ORDERS_LOCK_SECONDS):
        return
    try:
        orders.give_due_orders(gateway_id=gateway_id)
    finally:
        # A machine that stood still may have lost the lock to another task.
        if cache.get(key) == ours:
            cache.delete(key)
    if orders.has_due_orders(gateway_id=gateway_id):
        # Behind what other gateways wait for, but not only at the next tick.
        give_orders.delay(gateway_id)


@shared_task(soft_time_limit=20, time_limit=25, expires=10)
def begin_push_now(session_id: int) -> None:
    """A high stream somebody waits for."""
    orders.give_order(session_id=session_id)


@shared_task(soft_time_limit=24, time_limit=27, expires=4)
def reconcile_media_servers() -> None:
    """Every 5 seconds: repair what a lost hook did not tell."""
    presence.forget_servers_out_of_use()
    presence.reconcile_all()


@shared_task(soft_time_limit=20, time_limit=25, expires=4)
def end_viewings_without_right() -> None:
    """Every 5 seconds: whoever lost the right to a picture sees it no longer."""
    withdrawal.end_viewings_without_right()
    # Afterwards: thousands may be new to a platform that was away, and nobody's end waits for them.
    if unannounced.take_in():
        withdrawal.end_viewings_without_right()


@shared_task(soft_time_limit=10, time_limit=15, expires=4)
def note_peaks() -> None:
    """Every 5 seconds: how many watch."""
    viewings.note_peaks()


@shared_task(soft_time_limit=10, time_limit=15, expires=4)
def judge_egress() -> None:
    """Every 5 seconds: how much goes out."""
    egress.judge_egress()


@shared_task(soft_time_limit=50, time_limit=58, expires=3000)
def forget_old_peaks() -> None:
    viewings.forget_old_peaks()


@shared_task(soft_time_limit=54, time_limit=58, expires=50)
def check_playability() -> None:
    """Every minute: one sixtieth of the cameras, opened as third parties open them."""
    playability.check_playability()
