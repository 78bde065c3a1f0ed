"""接入验收: the list, one report, and the word of staff on its pictures."""

from importlib import import_module
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.db import connection
from django.http import HttpResponseBase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from acceptance.models import AcceptanceReport, ShownPicture
from access.choices import Action, Role
from access.models import BehaviourLog, Organisation
from access.services.staff import create_staff
from cameras.models import Camera, CameraException, Gateway
from streaming.choices import VideoType
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import PASSWORD, Caller
from tests.console.desk import Desk, text_of

pytestmark = pytest.mark.django_db

JPEG = b"\xff\xd8 a picture"


@pytest.fixture
def section_desk(company: Organisation) -> Desk:
    """Keeps the ledger of the company."""
    role = Role.SECTION_ADMIN
    return Desk(
        create_staff(username="wu", password=PASSWORD, full_name="吴工", role=role, organisation=company)
    )


@pytest.fixture
def gateway(gateway_partner: Caller) -> Gateway:
    made = make_gateway(gateway_partner.partner, "http://127.0.0.1:9")
    register(gateway_partner, wire(1))
    return made


def line(is_good: bool | None, title: str = "帧率") -> dict[str, object]:
    words = {"camera": "G2 济南段 1 号", "stream": "低码流", "wanted": "25 帧/秒", "found": "15.0 帧/秒"}
    return {**words, "title": title, "is_good": is_good}


def kept(gateway: Gateway, *lines: dict[str, object], is_over: bool = True) -> AcceptanceReport:
    return AcceptanceReport.objects.create(
        gateway=gateway,
        gateway_name=f"{gateway.code} {gateway.name}",
        organisation_id=gateway.partner.organisation_id,
        asked_by="吴工",
        cameras_wanted=1,
        findings=list(lines),
        finished_at=timezone.now() if is_over else None,
    )


def show(report: AcceptanceReport, camera: Camera | None = None) -> ShownPicture:
    return ShownPicture.objects.create(
        report=report,
        camera=camera,
        camera_name="G2 济南段 1 号",
        video_type=VideoType.LOW,
        taken_at=timezone.now(),
        jpeg=JPEG,
    )


def post(desk: Desk, name: str, *args: object, **fields: Any) -> HttpResponseBase:
    return desk.client.post(reverse(f"console:{name}", args=args), fields)


def test_an_acceptance_is_asked_for_and_its_report_stands_there_at_once(
    section_desk: Desk, gateway: Gateway
) -> None:
    assert f">{gateway.code} " in section_desk.page("acceptance")
    answer = post(section_desk, "acceptance", gateway=gateway.pk, cameras=2)
    report = AcceptanceReport.objects.get()
    assert answer.headers["Location"] == f"/acceptance/{report.pk}/"
    assert (report.asked_by, report.cameras_wanted) == ("吴工", 2)
    assert BehaviourLog.objects.get(verb="网关接入验收").actor_name == "吴工"
    page = section_desk.page("acceptance_report", report.pk)
    for words in ("进行中", "正在读取第一路码流", f'hx-get="/acceptance/{report.pk}/standing/"'):
        assert words in page
    answer = post(section_desk, "acceptance", gateway=gateway.pk, cameras=1)
    assert answer.status_code == 400
    assert "该网关正在验收" in text_of(answer)


@pytest.fixture
def broker_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks go to a port where nobody listens, without patience."""
    monkeypatch.setitem(current_app.conf, "broker_write_url", "redis://127.0.0.1:9/0")
    monkeypatch.setitem(current_app.conf, "task_publish_retry", False)
    # Kept from an earlier test, it would still know the broker that is there.
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)


def test_without_a_broker_the_report_says_so_at_once(
    section_desk: Desk, gateway: Gateway, broker_gone: None
) -> None:
    assert post(section_desk, "acceptance", gateway=gateway.pk, cameras=1).status_code == 302
    report = AcceptanceReport.objects.get()
    page = section_desk.page("acceptance_report", report.pk)
    assert "未完成：任务队列无法访问" in page
    assert "hx-get" not in page


@pytest.mark.parametrize("fields", [{"cameras": 9}, {"cameras": "x"}, {"gateway": ""}])
def test_a_wrong_question_is_told_on_the_page(
    fields: dict[str, object], section_desk: Desk, gateway: Gateway
) -> None:
    answer = post(section_desk, "acceptance", **{"gateway": gateway.pk, "cameras": 1, **fields})
    assert answer.status_code == 400
    assert 'data-testid="said"' in text_of(answer)
    assert not AcceptanceReport.objects.exists()


def test_a_finished_report_is_shown_as_a_whole_and_asks_no_more(section_desk: Desk, gateway: Gateway) -> None:
    report = kept(gateway, line(False), line(True, "码率"), line(None, "首帧"))
    page = section_desk.page("acceptance_standing", report.pk)
    assert page.count('data-testid="line"') == 3
    for words in ("不合格，1 项不符", "15.0 帧/秒", "不符</td>", "通过</td>", "未测</td>"):
        assert words in page
    assert "hx-get" not in page
    assert "不合格" in section_desk.page("acceptance")


def test_staff_say_yes_or_no_to_a_picture(section_desk: Desk, gateway: Gateway) -> None:
    report = kept(gateway, line(True))
    picture = show(report)
    page = section_desk.page("acceptance_report", report.pk)
    assert "待确认画面" in page
    assert f"/acceptance/{report.pk}/{picture.pk}.jpg" in page
    answer = section_desk.get("acceptance_picture", report.pk, picture.pk)
    assert (getattr(answer, "content", b""), answer.headers["Content-Type"]) == (JPEG, "image/jpeg")
    post(section_desk, "acceptance_report", report.pk, picture=picture.pk, good=1)
    page = section_desk.page("acceptance_report", report.pk)
    assert 'data-testid="verdict">合格<' in page
    assert "正确，吴工" in page
    post(section_desk, "acceptance_report", report.pk, picture=picture.pk, good=0)
    assert "不正确，吴工" in section_desk.page("acceptance_report", report.pk)


def test_another_report_lends_no_picture(section_desk: Desk, gateway: Gateway) -> None:
    report, picture = kept(gateway), show(kept(gateway))
    assert section_desk.get("acceptance_picture", report.pk, picture.pk).status_code == 404
    assert post(section_desk, "acceptance_report", report.pk, picture=picture.pk, good=1).status_code == 404
    assert ShownPicture.objects.get().is_good is None


def test_who_keeps_no_ledger_sees_nothing_of_it(desk: Desk, gateway: Gateway) -> None:
    report = kept(gateway)
    assert desk.get("acceptance").status_code == 403
    assert desk.get("acceptance_report", report.pk).status_code == 403
    assert "接入验收" not in desk.page("analysis")


def test_another_company_sees_neither_gateway_nor_report(
    neighbour_desk: Desk, section_desk: Desk, gateway: Gateway
) -> None:
    report = kept(gateway)
    picture = show(report)
    assert gateway.code in section_desk.page("acceptance")
    assert gateway.code not in neighbour_desk.page("acceptance")
    for name, args in (
        ("acceptance_report", [report.pk]),
        ("acceptance_standing", [report.pk]),
        ("acceptance_picture", [report.pk, picture.pk]),
    ):
        assert neighbour_desk.get(name, *args).status_code == 404
    assert post(neighbour_desk, "acceptance", gateway=gateway.pk, cameras=1).status_code == 404


def test_the_report_outlives_its_gateway(section_desk: Desk, gateway: Gateway) -> None:
    report = kept(gateway, line(True))
    code = gateway.code
    Camera.objects.update(gateway=None)
    gateway.delete()
    assert code in section_desk.page("acceptance_report", report.pk)


def test_queries_do_not_grow_with_the_list(section_desk: Desk, gateway: Gateway) -> None:
    section_desk.page("acceptance")
    counts = []
    for more, all_of_them in ((3, 3), (27, 30)):
        for _ in range(more):
            show(kept(gateway, line(True)))
        with CaptureQueriesContext(connection) as queries:
            assert section_desk.page("acceptance").count('data-testid="report"') == all_of_them
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_list_goes_further_back(section_desk: Desk, gateway: Gateway) -> None:
    for _ in range(51):
        kept(gateway)
    assert 'href="?page=2"' in section_desk.page("acceptance")
    last = section_desk.page("acceptance", page=2)
    assert last.count('data-testid="report"') == 1
    assert 'data-testid="older"' not in last


def test_what_shows_a_camera_that_is_hidden_from_one_is_hidden_too(
    section_desk: Desk, admin_desk: Desk, gateway: Gateway
) -> None:
    hidden = camera(1)
    report = kept(gateway, {**line(True), "camera_id": hidden.pk}, line(True, "自从前"))
    picture, former = show(report, hidden), show(report)
    assert section_desk.page("acceptance_report", report.pk).count('data-testid="picture"') == 2
    CameraException.objects.create(
        user=section_desk.user,
        camera=hidden,
        organisation=hidden.organisation,
        action=Action.WATCH,
        is_denied=True,
    )
    page = section_desk.page("acceptance_report", report.pk)
    assert (page.count('data-testid="picture"'), page.count('data-testid="line"')) == (1, 1)
    assert f"/{former.pk}.jpg" in page
    assert section_desk.get("acceptance_picture", report.pk, picture.pk).status_code == 404
    assert section_desk.get("acceptance_picture", report.pk, former.pk).status_code == 200
    assert post(section_desk, "acceptance_report", report.pk, picture=picture.pk, good=0).status_code == 404
    # The verdict is that of the whole report, for everybody.
    assert "待确认画面" in page
    assert admin_desk.page("acceptance_standing", report.pk).count('data-testid="picture"') == 2


def test_pictures_from_before_find_their_camera_by_its_name(section_desk: Desk, gateway: Gateway) -> None:
    picture = show(kept(gateway))
    fill = import_module("acceptance.migrations.0003_pictures_of_cameras").fill
    ShownPicture.objects.update(camera_name=camera(1).name)
    twin = camera(1)
    twin.pk, twin.number, twin.number_key = None, number(2), number(2)
    twin.save()
    fill(apps, None)
    picture.refresh_from_db()
    # Two are called so.
    assert picture.camera is None
    Camera.objects.filter(pk=camera(2).pk).update(name="别名")
    fill(apps, None)
    picture.refresh_from_db()
    assert picture.camera == camera(1)
