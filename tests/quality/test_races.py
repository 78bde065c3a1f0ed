"""Several who speak of the same cameras at once: nobody waits for ever, nothing is lost."""

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quality.choices import QualitySource
from quality.models import CameraQuality, QualityVerdict
from quality.services.verdicts import Verdict, record_quality
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.engine import ToldEngine, judge

ROUNDS = 10


@pytest.mark.django_db
def test_only_what_quality_owns_is_locked(gateway_partner: Caller) -> None:
    """A row of the ledger under lock would keep statuses waiting; and the order would be that of the roads."""
    register(gateway_partner, wire(1))
    with CaptureQueriesContext(connection) as queries:
        record_quality(verdicts={camera(1).pk: Verdict("1--------")}, source=QualitySource.DIAGNOSIS)
        judge(ToldEngine(), NOON, camera(1).pk)
    locking = [query["sql"] for query in queries if "FOR UPDATE" in query["sql"]]
    assert len(locking) >= 3
    assert [sql for sql in locking if "cameras_camera" in sql] == []


@pytest.mark.django_db(transaction=True)
def test_sources_meet_on_the_same_cameras(gateway_partner: Caller) -> None:
    register(gateway_partner, *[wire(n) for n in range(1, 21)])
    ids = [camera(n).pk for n in range(1, 21)]
    failures: list[BaseException] = []
    begin = threading.Barrier(4)

    def speak(source: QualitySource, flag: int, order: list[int]) -> None:
        try:
            begin.wait(10)
            for turn in range(ROUNDS + 1):
                flags = "-" * flag + str(turn % 2) + "-" * (8 - flag)
                record_quality(verdicts={pk: Verdict(flags) for pk in order}, source=source)
            record_quality(
                verdicts={pk: Verdict("-" * flag + "1" + "-" * (8 - flag)) for pk in order}, source=source
            )
        except BaseException as error:  # noqa: BLE001  told by the assertion below
            failures.append(error)
        finally:
            connection.close()

    gateway, diagnosis = QualitySource.GATEWAY, QualitySource.DIAGNOSIS
    threads = [
        threading.Thread(target=speak, args=args)
        for args in (
            (gateway, 0, ids),
            (gateway, 1, ids[::-1]),
            (diagnosis, 2, ids[::-1]),
            (diagnosis, 3, ids),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert set(CameraQuality.objects.values_list("flags", flat=True)) == {"111100000"}
    assert QualityVerdict.objects.count() == 40
