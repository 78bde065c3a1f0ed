"""Ends that are marked while others, found out in the order of their rows, are being written."""

import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from access.models import Organisation, User
from access.staff_sessions import forget_sessions_of
from streaming.models import MediaServer, Viewing
from tests.ptz.ledger import make_camera
from tests.streaming.embedded.peers import until
from tests.streaming.roadside import make_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows(company: Organisation, operator: User) -> list[Viewing]:
    """Of two viewings the first was written to last, so that it lies behind the second."""
    server: MediaServer = make_server("http://127.0.0.1:9")
    camera, now = make_camera(company, 1), timezone.now()
    given = {"media_server": server, "camera": camera, "video_type": 0, "uid": f"u{operator.pk}", "began_at": now}
    made = [Viewing.objects.create(client=name, **given) for name in ("first", "second")]
    for name in ("another", "first"):
        Viewing.objects.filter(pk=made[0].pk).update(client=name)
    return made


def _in_a_thread(act: Callable[[], object], failures: list[OperationalError]) -> threading.Thread:
    def run() -> None:
        try:
            act()
        except OperationalError as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_signing_out_and_the_end_of_viewings_do_not_wait_for_each_other(rows: list[Viewing], operator: User) -> None:
    failures: list[OperationalError] = []
    first, second = (Viewing.objects.select_for_update().filter(pk=row.pk) for row in rows)
    with transaction.atomic():
        # As every end does, in the order of the rows.
        assert first.get()
        thread = _in_a_thread(lambda: forget_sessions_of(operator), failures)
        until(_is_waiting, what="the signing out")
        assert second.get()
    thread.join()
    assert failures == []
    assert not Viewing.objects.filter(withdrawn="").exists()
