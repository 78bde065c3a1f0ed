"""A case: which cameras it has, that its pictures stay, who sees it, and that every act leaves its row."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import Action
from access.models import BehaviourLog, Organisation, User
from cameras.choices import Orientation
from cameras.models import Camera, CameraException
from cameras.selectors import cameras_visible_to
from cases.models import CaseCamera, CaseFile, CaseNote
from cases.selectors import CaseSlot, case_slots, cases_visible_to, nearest_cameras
from cases.services.files import (
    add_cameras,
    add_note,
    close_case,
    release_case,
    reopen_case,
    settle_gaps,
)
from cases.tables import entries_of
from protocol.errors import MalformedError
from protocol.sm2 import sm3
from snapshots.choices import SnapshotResult
from snapshots.models import PictureHold, Snapshot
from snapshots.services.archives import PictureReader
from snapshots.services.partitions import keep_partitions
from tests.cases.scene import EVENT, EVENT_SLOT, HALF_HOUR, JPEG, NOW, SLOT, WANG, begin, deny, stand, take

pytestmark = pytest.mark.django_db


def slots_of(case: CaseFile) -> list[CaseSlot]:
    """Of its first camera."""
    entry = entries_of(case)[0]
    return case_slots([entry])[entry.pk]


def pictures_of(case: CaseFile) -> list[int]:
    """Slots with a picture that can be read, counted from that of the event."""
    found = [slot for slot in slots_of(case) if slot.names and PictureReader().read(slot.names) == JPEG]
    return [round((slot.slot_at - EVENT_SLOT) / SLOT) for slot in found]


def test_the_nearest_to_either_side_of_both_carriageways(office: Organisation, operator: User) -> None:
    up = [stand(office, number) for number in (100, 200, 300, 400, 500)]
    down = [stand(office, number, Orientation.DOWN) for number in (150, 250, 350, 450)]
    both = stand(office, 310, Orientation.BOTH)
    stand(office, 305, road="G22")
    junction = stand(office, 302, road="G20&G2")
    found = nearest_cameras(cameras_visible_to(operator), "G2", 1_100_300, each=2)
    # A camera that looks both ways is of either carriageway; at the place itself is after it.
    assert [one.camera.pk for one in found] == [
        *(up[0].pk, down[0].pk, up[1].pk, down[1].pk, up[2].pk, junction.pk, both.pk, down[2].pk),
    ]
    assert [one.metres for one in found] == [-200, -150, -100, -50, 0, 2, 10, 50]


def test_pictures_of_a_case_survive_the_retention_and_go_when_they_are_released(
    camera: Camera, time_machine: TimeMachineFixture
) -> None:
    for number in (-8, -6, -1, 0, 5, 8):
        take(camera, number)
    case = begin(camera)
    # The slot in which the half hour before the event begins belongs to it.
    assert pictures_of(case) == [-6, -1, 0, 5]
    time_machine.move_to(NOW + timedelta(days=12), tick=False)
    settle_gaps(now=NOW + timedelta(hours=1))
    keep_partitions()
    assert not Snapshot.objects.exists()
    assert pictures_of(case) == [-6, -1, 0, 5]
    close_case(case=case, actor=WANG)
    keep_partitions()
    assert pictures_of(case) == [-6, -1, 0, 5]
    assert release_case(case=case, reason="已移交", actor=WANG) == 1
    assert pictures_of(case) == []
    assert {slot.reason for slot in slots_of(case)} >= {"留存已解除"}


def test_what_comes_after_the_case_was_opened_is_held_as_well(
    camera: Camera, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(EVENT + timedelta(minutes=2), tick=False)
    take(camera, 0)
    case = begin(camera)
    assert [slot.slot_at for slot in slots_of(case)][-1] == EVENT_SLOT
    take(camera, 3)
    time_machine.move_to(NOW, tick=False)
    keep_partitions()
    time_machine.move_to(NOW + timedelta(days=9), tick=False)
    keep_partitions()
    assert pictures_of(case) == [0, 3]


def test_why_a_slot_has_no_picture_is_known_when_its_day_is_gone(
    camera: Camera, time_machine: TimeMachineFixture
) -> None:
    take(camera, 0)
    take(camera, 1, SnapshotResult.OFFLINE)
    take(camera, 2, SnapshotResult.NO_KEY_FRAME)
    case = begin(camera)
    before = [slot.reason for slot in slots_of(case)]
    assert before[6:10] == ["", "摄像机离线", "取流超时", "平台未运行"]
    assert settle_gaps(now=NOW) == 1
    assert settle_gaps(now=NOW) == 0
    time_machine.move_to(NOW + timedelta(days=9), tick=False)
    keep_partitions()
    assert [slot.reason for slot in slots_of(case)] == before


def test_a_stretch_that_lasts_is_not_settled(camera: Camera) -> None:
    begin(camera, event_at=NOW)
    assert settle_gaps(now=NOW) == 0


def test_a_case_opened_too_late_says_so(camera: Camera, time_machine: TimeMachineFixture) -> None:
    take(camera, 0)
    time_machine.move_to(NOW + timedelta(days=9), tick=False)
    keep_partitions()
    assert {slot.reason for slot in slots_of(begin(camera))} == {"已过保留期"}


def test_only_who_sees_all_of_its_cameras_sees_a_case(
    camera: Camera, other_company: Organisation, operator: User, outsider: User, province_admin: User
) -> None:
    own, both = begin(camera), begin(camera, stand(other_company, 7))
    assert set(cases_visible_to(operator)) == {own}
    assert set(cases_visible_to(outsider)) == set()
    assert set(cases_visible_to(province_admin)) == {own, both}
    # Turning cameras is not keeping their ledger.
    assert set(cases_visible_to(operator, Action.LEDGER)) == set()
    assert set(cases_visible_to(province_admin, Action.LEDGER)) == {own, both}


def test_a_case_outlives_its_camera(camera: Camera, operator: User, outsider: User) -> None:
    take(camera, 0)
    case = begin(camera)
    Camera.objects.filter(pk=camera.pk).update(deleted_at=NOW, name="已改名")
    assert set(cases_visible_to(operator)) == {case}
    assert set(cases_visible_to(outsider)) == set()
    entry = CaseCamera.objects.get()
    assert (entry.name, entry.stake, entry.direction) == ("G2 济南段 300 号", "K1100+300", "上行")
    assert entry.organisation == "山东高速 / 济南管理处"


def test_a_camera_denied_hides_its_case_also_when_it_is_gone(camera: Camera, operator: User) -> None:
    case = begin(camera)
    deny(camera, operator, Action.SNAPSHOT)
    assert set(cases_visible_to(operator)) == set()
    Camera.objects.filter(pk=camera.pk).update(deleted_at=NOW)
    assert set(cases_visible_to(operator)) == set()
    CameraException.objects.all().delete()
    assert set(cases_visible_to(operator)) == {case}


def test_cameras_are_added_once_for_each_stretch(camera: Camera, office: Organisation) -> None:
    case, other = begin(camera), stand(office, 500)
    half, hour = {"before": HALF_HOUR, "after": HALF_HOUR}, {"before": HALF_HOUR, "after": 2 * HALF_HOUR}
    assert add_cameras(case=case, cameras=[camera, other], actor=WANG, **half) == 1
    assert add_cameras(case=case, cameras=[camera, other], actor=WANG, **half) == 0
    assert add_cameras(case=case, cameras=[camera], actor=WANG, **hour) == 1
    assert (case.cameras.count(), PictureHold.objects.count()) == (3, 3)
    close_case(case=case, actor=WANG)
    with pytest.raises(MalformedError, match="卷宗已结"):
        add_cameras(case=case, cameras=[stand(office, 700)], actor=WANG, **half)


def test_notes_are_kept_with_who_and_when_and_their_digest_in_the_log(camera: Camera) -> None:
    case = begin(camera, note="接到报警")
    close_case(case=case, actor=WANG)
    # Whoever learns something later writes it down, closed or not.
    add_note(case=case, text=" 责任认定书已归档 ", actor=WANG)
    assert list(CaseNote.objects.values_list("by", "text", "at")) == [
        ("王工", "接到报警", CaseNote.objects.all()[0].at),
        ("王工", "责任认定书已归档", CaseNote.objects.all()[1].at),
    ]
    row = BehaviourLog.objects.filter(verb="卷宗添加记录").latest("id")
    assert row.detail["SM3"] == sm3("责任认定书已归档".encode()).hex()
    for text in ("", "  ", "长" * 2001):
        with pytest.raises(MalformedError):
            add_note(case=case, text=text, actor=WANG)


def test_closing_releases_nothing_and_releasing_comes_after_it(camera: Camera) -> None:
    case = begin(camera)
    with pytest.raises(MalformedError, match="先结卷"):
        release_case(case=case, reason="已移交", actor=WANG)
    assert close_case(case=case, actor=WANG)
    assert not close_case(case=case, actor=WANG)
    assert PictureHold.objects.filter(released_at=None).count() == 1
    assert reopen_case(case=case, actor=WANG)
    assert not reopen_case(case=case, actor=WANG)
    close_case(case=case, actor=WANG)
    with pytest.raises(MalformedError, match="原因"):
        release_case(case=case, reason=" ", actor=WANG)
    release_case(case=case, reason="已移交", actor=WANG)
    assert PictureHold.objects.filter(released_at=None).count() == 0
    with pytest.raises(MalformedError, match="不能重新打开"):
        reopen_case(case=case, actor=WANG)
    with pytest.raises(IntegrityError), transaction.atomic():
        CaseFile.objects.update(closed_at=None)


def test_every_act_leaves_its_row(camera: Camera, office: Organisation) -> None:
    case = begin(camera, note="接到报警")
    add_cameras(case=case, cameras=[stand(office, 500)], before=HALF_HOUR, after=HALF_HOUR, actor=WANG)
    close_case(case=case, actor=WANG)
    reopen_case(case=case, actor=WANG)
    close_case(case=case, actor=WANG)
    release_case(case=case, reason="已移交", actor=WANG)
    rows = BehaviourLog.objects.filter(object_kind="case", object_id=str(case.pk)).order_by("id")
    assert list(rows.values_list("verb", flat=True)) == [
        *("新建卷宗", "卷宗添加记录", "卷宗加入摄像机", "结卷", "重新打开卷宗", "结卷", "解除卷宗留存"),
    ]
    assert {row.object_name for row in rows} == {f"{case.number} 货车追尾"}
    # The holds have rows of their own.
    assert BehaviourLog.objects.filter(verb__in=["留存截图", "解除截图留存"]).count() == 4


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": "  "}, "请写明事件"),
        ({"title": "长" * 121}, "请写明事件"),
        ({"before": timedelta(minutes=-1)}, "前后的分钟数"),
        ({"after": timedelta(minutes=2881)}, "前后的分钟数"),
        ({"before": timedelta(0), "after": timedelta(0)}, "前后的分钟数"),
        ({"event_at": NOW + timedelta(days=2)}, "至多晚于现在一天"),
    ],
)
def test_what_makes_no_case_is_said_and_nothing_is_kept(
    camera: Camera, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(MalformedError, match=said):
        begin(camera, **changed)
    assert not CaseFile.objects.exists()
    assert not PictureHold.objects.exists()


def test_a_case_has_a_camera_and_not_too_many(office: Organisation) -> None:
    for cameras in ([], [stand(office, number) for number in range(41)]):
        with pytest.raises(MalformedError, match="1 至 40 路"):
            begin(*cameras)


@pytest.mark.parametrize("number", [1, 12])
def test_slots_of_many_cameras_cost_what_those_of_one_cost(office: Organisation, number: int) -> None:
    cameras = [stand(office, 100 + at) for at in range(number)]
    for camera in cameras:
        take(camera, 0)
    entries = list(entries_of(begin(*cameras)))
    with CaptureQueriesContext(connection) as asked:
        found = case_slots(entries)
    assert (len(asked), len(found)) == (2, number)
