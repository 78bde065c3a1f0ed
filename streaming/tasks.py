"""Celery tasks of streaming: ids in, service called."""

from celery import shared_task
from django.core.cache import cache

from streaming.models import MediaServer
from streaming.services import presence, pushes


@shared_task(soft_time_limit=24, time_limit=27, expires=5)
def keep_streams() -> None:
    """Every 2 seconds: sessions for new cameras, due orders, idle high streams."""
    pushes.plan_low_streams()
    pushes.finish_unwanted_low_streams()
    pushes.finish_idle_high_streams()
    for gateway_id in pushes.gateways_with_due_pushes():
        give_orders.delay(gateway_id)


@shared_task(soft_time_limit=40, time_limit=45, expires=10)
def give_orders(gateway_id: int) -> None:
    """The due orders of one gateway; one task a gateway at a time keeps its pace."""
    key = f"streaming:orders:{gateway_id}"
    if not cache.add(key, 1, timeout=60):
        return
    try:
        pushes.order_due_pushes(gateway_id=gateway_id)
    finally:
        cache.delete(key)


@shared_task(soft_time_limit=20, time_limit=25, expires=10)
def begin_push_now(session_id: int) -> None:
    """A high stream somebody waits for."""
    pushes.order_push(session_id=session_id)


@shared_task(soft_time_limit=24, time_limit=27, expires=4)
def reconcile_media_servers() -> None:
    """Every 5 seconds: repair what a lost hook did not tell."""
    for server in MediaServer.objects.filter(is_active=True):
        presence.reconcile(server=server)
