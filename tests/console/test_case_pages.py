"""事件卷宗: who gets in, a new one by form, everything of one on its page, and what is done there."""

import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.models import BehaviourLog, Organisation
from cameras.choices import Orientation
from cameras.models import Camera
from cases.models import CaseFile
from cases.services.exports import MANIFEST
from snapshots.models import PictureHold
from tests.cases.scene import EVENT, EVENT_SLOT, JPEG, NOW, WANG, begin, stand, take
from tests.console.desk import Desk, text_of

pytestmark = pytest.mark.django_db

WHEN = "2026-11-22T10:01"


@pytest.fixture(autouse=True)
def noon(settings: LazySettings, tmp_path: Path, time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)
    settings.SNAPSHOT_ROOT = tmp_path


@pytest.fixture
def near(office: Organisation) -> Camera:
    camera = stand(office, 250)
    take(camera, 0)
    return camera


def send(desk: Desk, name: str, *args: object, **fields: object) -> HttpResponseBase:
    return desk.client.post(reverse(f"console:{name}", args=args), fields)


def logged(verb: str) -> list[str]:
    return list(BehaviourLog.objects.filter(verb=verb).values_list("actor_name", flat=True))


def new_fields(*cameras: Camera, **changed: object) -> dict[str, object]:
    return {
        "title": "货车追尾",
        "road": "G2",
        "stake": "K1100+300",
        "when": WHEN,
        "before": "20",
        "after": "10",
        "cameras": [camera.pk for camera in cameras],
        "note": "接到报警",
        **changed,
    }


def test_a_case_is_opened_for_a_place_and_a_time(desk: Desk, near: Camera, office: Organisation) -> None:
    down = stand(office, 400, Orientation.DOWN)
    page = desk.page("case_new", road="g2", stake="1100+300", when=WHEN, before=20, after=10)
    assert page.count('data-testid="candidate"') == 2
    assert "−50 m" in page
    assert "+100 m" in page
    assert f'src="/snapshots/{near.pk}/{int(EVENT_SLOT.timestamp())}.jpg"' in page
    response = send(desk, "case_new", **new_fields(near, down))
    case = CaseFile.objects.get()
    assert response.headers["Location"] == f"/cases/{case.pk}/"
    assert (case.road, case.stake, case.event_at, case.opened_by) == ("G2", "K1100+300", EVENT.replace(second=0), "王工")
    assert set(case.cameras.values_list("hold__begins_at", "hold__ends_at")) == {
        (EVENT - timedelta(minutes=20), EVENT + timedelta(minutes=10))
    }
    assert [note.text for note in case.notes.all()] == ["接到报警"]


def test_what_is_not_over_is_not_missing(desk: Desk, near: Camera) -> None:
    """The event is now: half of the stretch is to come, and the camera came into the ledger ten minutes ago."""
    now = timezone.now()
    Camera.objects.filter(pk=near.pk).update(created_at=now - timedelta(minutes=10))
    at = int(now.timestamp())
    page = desk.page("case_new", road="G2", stake="K1100+300", at=at, before=30, after=30)
    ahead = -(-(at + 1800) // 300) - at // 300
    assert re.search(rf'0 / 2 <span class="quiet" title="[^"]+">未到 {ahead}</span>', page)


def test_from_a_picture_place_and_time_are_filled_in(desk: Desk, near: Camera) -> None:
    page = desk.page("case_new", camera=near.pk, at=int(EVENT_SLOT.timestamp()))
    assert 'value="K1100+250"' in page
    assert 'value="2026-11-22T10:00"' in page
    assert desk.get("case_new", camera=near.pk + 1000).status_code == 404


def ticks(page: str) -> dict[str, bool]:
    """Of each camera that is proposed: whether it is ticked."""
    boxes = re.findall(r'<input type="checkbox" name="cameras" value="(\d+)"[^>]*?( checked)?>', page)
    return {number: bool(ticked) for number, ticked in boxes}


def test_what_is_far_along_the_road_is_taken_in_only_by_hand(desk: Desk, near: Camera, office: Organisation) -> None:
    edge, beyond, before = stand(office, 10_300), stand(office, 10_301), stand(office, -99_700)
    page = desk.page("case_new", road="g2", stake="1100+300", when=WHEN, each=3)
    assert ticks(page) == {str(one.pk): one in (near, edge) for one in (near, edge, beyond, before)}
    assert all(words in page for words in ("−50 m", "+10.0 km", "−100.0 km", "沿路 10 公里内的已勾选；更远的"))
    assert "更远的" not in desk.page("case_new", road="g2", stake="1100+300", each=1)
    # What somebody ticked stays so when the form comes back.
    refused = text_of(send(desk, "case_new", **new_fields(before, title=" ", each="3")))
    assert ticks(refused) == {str(one.pk): one == before for one in (near, edge, beyond, before)}


def test_an_event_is_not_asked_to_repeat_its_place(desk: Desk, near: Camera) -> None:
    page = desk.page("case_new", camera=near.pk)
    (example,) = re.findall(r'name="title"[^>]*placeholder="([^"]*)"', page)
    assert "K1" not in example


def test_an_empty_form_asks_for_a_place(desk: Desk) -> None:
    assert 'data-testid="candidate"' not in desk.page("case_new")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": " "}, "请写明事件"),
        ({"stake": "K11x"}, "不符合 K"),
        ({"stake": ""}, "不符合 K"),
        ({"road": "国道"}, "路线编号"),
        ({"road": "G2&S38"}, "路线应为一条"),
        ({"when": "yesterday"}, "应形如"),
        ({"when": "2026-11-22T10:01+00:00"}, "应形如"),
        ({"before": "-1"}, "之前的分钟数"),
        ({"after": "9999"}, "之后的分钟数"),
        ({"cameras": []}, "请选择"),
        ({"cameras": ["x"]}, "cameras"),
        ({"title": "\x00\x07"}, "请写明事件"),
        ({"note": "长" * 2001}, "记录应为"),
    ],
)
def test_what_is_wrong_is_said_on_the_form(
    desk: Desk, near: Camera, changed: dict[str, object], said: str
) -> None:
    response = send(desk, "case_new", **new_fields(near, **changed))
    assert response.status_code == 400
    assert said in text_of(response)
    assert not CaseFile.objects.exists()


def test_a_camera_of_another_company_cannot_be_taken_in(desk: Desk, other_desk: Desk, near: Camera) -> None:
    assert send(other_desk, "case_new", **new_fields(near)).status_code == 404
    case = begin(near)
    assert send(other_desk, "case_add", case.pk, cameras=[near.pk]).status_code == 404
    assert CaseFile.objects.count() == 1


@pytest.mark.parametrize(
    "name",
    ["case", "case_note", "case_add", "case_close", "case_release", "case_export", "case_exports", "case_picture"],
)
def test_a_case_of_another_company_is_not_there(name: str, desk: Desk, other_desk: Desk, near: Camera) -> None:
    case = begin(near)
    args = [case.pk, case.cameras.get().pk, int(EVENT_SLOT.timestamp())] if name == "case_picture" else [case.pk]
    unknown = [case.pk + 1000, *args[1:]]
    for who, where in ((other_desk, args), (desk, unknown)):
        path = reverse(f"console:{name}", args=where)
        response = who.client.get(path)
        response = who.client.post(path) if response.status_code == 405 else response
        assert response.status_code == 404
        assert "卷宗不存在" in text_of(response)


def test_everything_of_a_case_is_on_its_page_and_looking_is_logged(desk: Desk, near: Camera) -> None:
    case = begin(near, note="<script>alert(1)</script>")
    page = desk.page("case", case.pk)
    entry = case.cameras.get()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "K1100+250" in page
    assert "缺 12" in page
    assert "期间没有人转动过这些摄像机" in page
    assert f'src="/cases/{case.pk}/{entry.pk}/{int(EVENT_SLOT.timestamp())}.jpg"' in page
    assert logged("查看卷宗") == ["王工"]
    assert "货车追尾" in desk.page("cases")


def test_pictures_of_a_case_are_opened_through_it(desk: Desk, near: Camera) -> None:
    case = begin(near)
    entry = case.cameras.get()
    unix = int(EVENT_SLOT.timestamp())
    Camera.objects.update(deleted_at=NOW)
    response = desk.get("case_picture", case.pk, entry.pk, unix)
    assert (response.headers["Content-Type"], getattr(response, "content", b"")) == ("image/jpeg", JPEG)
    for odd in (unix + 300, unix + 1, 0, 10**18, unix - 86_400):
        assert desk.get("case_picture", case.pk, entry.pk, odd).status_code == 404
    assert desk.get("case_picture", case.pk, entry.pk + 1, unix).status_code == 404


def test_notes_are_added_and_an_empty_one_is_refused_in_words(desk: Desk, near: Camera) -> None:
    case = begin(near)
    send(desk, "case_note", case.pk, text="第一行\n第二行")
    assert [note.text for note in case.notes.all()] == ["第一行\n第二行"]
    response = desk.client.post(reverse("console:case_note", args=[case.pk]), {"text": " "}, follow=True)
    assert "记录应为 1 至 2000 字" in text_of(response)


def test_cameras_are_added_from_the_page(desk: Desk, near: Camera, office: Organisation) -> None:
    case, other = begin(near), stand(office, 320)
    assert other.name in desk.page("case", case.pk)
    send(desk, "case_add", case.pk, cameras=[other.pk], before="5", after="60")
    hold = case.cameras.get(camera=other).hold
    assert (hold.begins_at, hold.ends_at) == (EVENT - timedelta(minutes=5), EVENT + timedelta(minutes=60))


def test_closing_and_releasing_are_two_acts_of_two_kinds_of_people(
    desk: Desk, admin_desk: Desk, near: Camera
) -> None:
    case = begin(near)
    send(desk, "case_close", case.pk)
    assert PictureHold.objects.get().released_at is None
    refused = send(desk, "case_release", case.pk, reason="已移交")
    assert (refused.status_code, "维护台账" in text_of(refused)) == (403, True)
    assert 'data-testid="release"' not in desk.page("case", case.pk)
    assert 'data-testid="release"' in admin_desk.page("case", case.pk)
    send(desk, "case_close", case.pk, open="1")
    assert "先结卷" in text_of(
        admin_desk.client.post(reverse("console:case_release", args=[case.pk]), {"reason": "已移交"}, follow=True)
    )
    send(desk, "case_close", case.pk)
    send(admin_desk, "case_release", case.pk, reason="已移交")
    assert PictureHold.objects.get().released_at is not None
    assert "留存已解除 赵主任" in desk.page("case", case.pk)


def test_an_export_is_streamed_named_and_logged(desk: Desk, near: Camera) -> None:
    case = begin(near, title="追尾/两车")
    response = send(desk, "case_export", case.pk)
    assert isinstance(response, StreamingHttpResponse)
    assert response.headers["Content-Disposition"].endswith("_%E8%BF%BD%E5%B0%BE_%E4%B8%A4%E8%BD%A6.zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response)))
    assert MANIFEST in archive.namelist()
    assert (logged("导出卷宗"), logged("卷宗导出完成")) == (["王工"], ["王工"])
    assert case.exports.get().manifest_sm3 in desk.page("case", case.pk)


def test_the_list_of_exports_is_fetched_while_one_is_sent(desk: Desk, near: Camera) -> None:
    case = begin(near)
    assert "还没有导出过" in desk.page("case_exports", case.pk)
    response = send(desk, "case_export", case.pk)
    assert isinstance(response, StreamingHttpResponse)
    assert 'data-sealed=""' in desk.page("case_exports", case.pk)
    b"".join(response)
    export = case.exports.get()
    assert f'data-export="{export.pk}" data-sealed="1"' in desk.page("case_exports", case.pk)
    assert logged("查看卷宗") == []


def test_the_list_is_searched_and_filtered(desk: Desk, near: Camera) -> None:
    begin(near)
    closed = begin(near, title="抛洒物")
    CaseFile.objects.filter(pk=closed.pk).update(closed_at=NOW, closed_by="王工")
    assert desk.page("cases").count('data-testid="case"') == 2
    assert "货车追尾" not in desk.page("cases", q="抛洒")
    assert desk.page("cases", q="g2").count('data-testid="case"') == 2
    assert "抛洒物" not in desk.page("cases", state="open")
    assert desk.page("cases", state="closed").count('data-testid="case"') == 1
    assert "没有符合条件的卷宗" in desk.page("cases", q="100%_")


def asked_of(desk: Desk, case: CaseFile) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as page:
        desk.page("case", case.pk)
    with CaptureQueriesContext(connection) as proposal:
        desk.page("case_new", road="G2", stake="K1100+300", when=WHEN, each=case.cameras.count() // 2)
    return len(page), len(proposal)


def test_as_many_statements_for_many_cameras_as_for_few(desk: Desk, office: Organisation) -> None:
    cameras = [stand(office, 200 + 20 * at) for at in range(12)]
    for camera in cameras:
        take(camera, 0)
    few, many = begin(*cameras[:2]), begin(*cameras)
    # The first page of a session writes when it was seen.
    desk.page("cases")
    assert asked_of(desk, few) == asked_of(desk, many)


def test_case_of_wang_is_seen_by_his_colleagues(monitor_desk: Desk, near: Camera) -> None:
    case = begin(near, actor=WANG)
    assert "货车追尾" in monitor_desk.page("case", case.pk)
