"""Batches that meet at the same moment, on a real PostgreSQL with threads."""

import threading
from collections.abc import Callable

import orjson
import pytest
from django.db import connection, transaction
from django.utils import timezone

from access.actors import SYSTEM
from access.models import Organisation
from cameras.models import Camera
from cameras.services.ledger import delete_cameras
from cameras.services.records import _Modification
from cameras.services.registration import PartnerRegistrar, register_cameras
from protocol.cameras import parse_camera
from tests.cameras.ledger import number, wire
from tests.cast import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run them together; what each returned or raised."""
    gate = threading.Barrier(len(works))
    outcomes: list[object] = [None] * len(works)

    def run(index: int, work: Callable[[], object]) -> None:
        gate.wait(10)
        try:
            outcomes[index] = work()
        except Exception as error:  # noqa: BLE001 - what a thread raised is what the test looks at
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def registration(caller: Caller, *items: dict[str, object]) -> Callable[[], object]:
    raws = [orjson.dumps(item) for item in items]
    return lambda: [
        result.info for result in register_cameras(partner=caller.partner, actor=SYSTEM, items=raws)
    ]


def test_two_batches_with_the_same_new_cameras(gateway_partner: Caller) -> None:
    batch = [wire(n, roadSec=f"第 {n % 5} 管理处") for n in range(40)]
    outcomes = at_once(
        registration(gateway_partner, *batch),
        registration(gateway_partner, *reversed(batch)),
        registration(gateway_partner, *batch[10:30]),
    )
    for outcome in outcomes:
        assert isinstance(outcome, list), outcome
        assert set(outcome) <= {"注册成功", "未变化"}
    assert Camera.objects.count() == 40
    assert sum(outcome.count("注册成功") for outcome in outcomes if isinstance(outcome, list)) == 40
    assert Organisation.objects.filter(name__startswith="第 ").count() == 5


def test_two_partners_and_one_number(gateway_partner: Caller, other_gateway: Caller) -> None:
    foreign = wire(1, department="齐鲁交通", roadSec="潍坊管理处")
    outcomes = at_once(registration(gateway_partner, wire(1)), registration(other_gateway, foreign))
    said = sorted(outcome[0] for outcome in outcomes if isinstance(outcome, list))
    assert said == [f"cameraNum 的值“{number(1)}”已由其他单位登记，不得修改", "注册成功"]
    assert Camera.objects.count() == 1


def test_modifying_and_deleting_the_same_cameras(gateway_partner: Caller) -> None:
    numbers = [number(n) for n in range(30)]
    registration(gateway_partner, *[wire(n) for n in range(30)])()
    outcomes = at_once(
        registration(gateway_partner, *[wire(n, poiName="甲") for n in range(30)]),
        registration(gateway_partner, *[wire(n, poiName="乙") for n in reversed(range(30))]),
        lambda: delete_cameras(partner=gateway_partner.partner, actor=SYSTEM, numbers=numbers),
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
    # Whoever came last, the batch is whole.
    assert len(set(Camera.objects.values_list("poi_name", "deleted_at"))) == 1


def test_a_tombstone_is_revived_by_one_of_two(gateway_partner: Caller, other_gateway: Caller) -> None:
    registration(gateway_partner, *(wire(n) for n in range(20)))()
    numbers = [number(n) for n in range(20)]
    for _ in range(3):
        delete_cameras(partner=gateway_partner.partner, actor=SYSTEM, numbers=numbers)
        delete_cameras(partner=other_gateway.partner, actor=SYSTEM, numbers=numbers)
        outcomes = at_once(
            registration(gateway_partner, *(wire(n) for n in range(20))),
            registration(other_gateway, *(wire(n, department="齐鲁交通") for n in range(20))),
        )
        owners = set(Camera.objects.values_list("owner_id", flat=True))
        assert len(owners) == 1, "each took some"
        said = [
            {str(info)[:4] for info in outcome} if isinstance(outcome, list) else outcome
            for outcome in outcomes
        ]
        # Whoever came second looked again under the lock.
        assert sorted(said, key=str) == [{"came"}, {"注册成功"}], said


def test_what_changed_hands_meanwhile_is_refused(gateway_partner: Caller, other_gateway: Caller) -> None:
    registration(other_gateway, wire(1, department="齐鲁交通"))()
    camera = Camera.objects.get()
    item = parse_camera(orjson.dumps(wire(1, cameraName="改名")))
    with transaction.atomic():
        registrar = PartnerRegistrar(gateway_partner.partner)
        registrar.place([item])
        modification = _Modification(registrar, SYSTEM, timezone.now())
        (verdict,) = modification.of([camera.number_key], {camera.number_key: item}).values()
    assert (verdict.status, "已由其他单位登记" in verdict.info) == (1, True)
    camera.refresh_from_db()
    assert camera.name != "改名"
