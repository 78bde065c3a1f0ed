"""Several who speak of the same cameras at once: nobody waits for ever, nothing is lost."""

import threading

import pytest
from django.db import connection

from quality.choices import QualitySource
from quality.models import CameraQuality, QualityVerdict
from quality.services.verdicts import Verdict, record_quality
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller

ROUNDS = 10


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
