"""操作审计: who sees which rows, the ways to find them, page by page, CSV, and the state of the chain."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.actors import SYSTEM, Actor
from access.choices import ActorKind, Outcome, Role
from access.days import day_of, day_start
from access.models import BehaviourLog, LogAnchor, LogBlock, Organisation
from access.services.log_chain import seal_through
from access.services.logs import record
from access.services.staff import create_staff
from cameras.models import Camera
from tests.cast import PASSWORD, Caller
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_gateway

pytestmark = pytest.mark.django_db
WANG = Actor(ActorKind.STAFF, None, "王工", "10.1.2.3")


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def company_auditor(company: Organisation) -> Desk:
    """Reads what concerns the company."""
    user = create_staff(username="wu", password=PASSWORD, role=Role.AUDITOR, organisation=company)
    BehaviourLog.objects.all().delete()
    return Desk(user)


def acted(actor: Actor, verb: str, thing: Camera | None = None, **more: object) -> None:
    kind = {"object_kind": "camera", "object_id": thing.pk, "object_name": thing.name} if thing else {}
    record(actor, verb, **kind, **more)  # type: ignore[arg-type]


def by(desk: Desk) -> Actor:
    return Actor(ActorKind.STAFF, desk.user.pk, desk.user.display_name, "10.1.2.3")


def words(part: str) -> str:
    return " ".join(re.sub(r"^[^>]*>|<[^>]*>", " ", part).split())


def rows_of(page: str) -> list[str]:
    return [words(part.split("</tr>")[0]) for part in page.split('data-testid="log"')[1:]]


def verbs_of(desk: Desk, **query: object) -> list[str]:
    """The verbs on the page, newest first."""
    return re.findall(r'<td class="verb">([^<]*)</td>', desk.page("audit", **query))


# Rights -------------------------------------------------------------------------------------------


def test_an_auditor_of_the_province_sees_everything(auditor_desk: Desk, desk: Desk, camera: Camera) -> None:
    BehaviourLog.objects.all().delete()
    acted(by(desk), "查看视频", camera, detail={"码流": "低码流"})
    acted(SYSTEM, "清理")
    rows = rows_of(auditor_desk.page("audit"))
    assert rows == [
        "2026-11-22 12:30:00 系统 — 清理 成功",
        f"2026-11-22 12:30:00 王工 10.1.2.3 查看视频 摄像机 {camera.name} 成功 明细 码流 低码流",
    ]


def test_who_is_no_auditor_is_refused(desk: Desk, admin_desk: Desk) -> None:
    for each in (desk, admin_desk):
        assert "没有“查看审计”权限" in text_of(each.get("audit"))
        assert each.get("audit_table").status_code == 403
        assert "nav-audit" not in each.page("online")


def test_the_way_there_is_shown_where_the_console_is_closed(auditor_desk: Desk) -> None:
    assert 'href="/audit/"' in text_of(auditor_desk.get("wall"))
    assert 'data-testid="nav-audit"' in auditor_desk.page("audit")


def test_an_auditor_of_a_company_sees_what_concerns_it(
    company_auditor: Desk,
    desk: Desk,
    other_desk: Desk,
    camera: Camera,
    gateway_partner: Caller,
    other_gateway: Caller,
    company: Organisation,
    other_company: Organisation,
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    BehaviourLog.objects.all().delete()
    acted(by(desk), "own person")
    acted(by(other_desk), "other person")
    acted(by(other_desk), "on own camera", camera)
    acted(SYSTEM, "system")
    acted(SYSTEM, "on own gateway", object_kind="gateway", object_id=gateway.pk)
    acted(SYSTEM, "on own organisation", object_kind="organisation", object_id=company.pk)
    acted(SYSTEM, "on other organisation", object_kind="organisation", object_id=other_company.pk)
    acted(SYSTEM, "on own user", object_kind="user", object_id=desk.user.pk)
    # A number that means a camera of ours, said of something else.
    acted(SYSTEM, "on another kind", object_kind="user", object_id=10**9)
    for caller in (gateway_partner, other_gateway):
        partner = caller.partner
        acted(Actor(ActorKind.PARTNER, partner.pk, "x"), f"partner {partner.code}")
    # The ids of people and partners are numbers of two kinds.
    acted(Actor(ActorKind.PARTNER, desk.user.pk + 10**6, "x"), "no such partner")
    assert set(verbs_of(company_auditor)) == {
        *("own person", "on own camera", "on own gateway", "on own organisation", "on own user"),
        "partner GW-0001",
    }
    shown = set(verbs_of(company_auditor))
    # What an auditor does is seen as well.
    assert {row[5] for row in table_of(company_auditor)[1:]} == {*shown, "导出操作审计"}


# Finding ------------------------------------------------------------------------------------------


@pytest.fixture
def some(auditor_desk: Desk, desk: Desk, camera: Camera, gantry: Camera, ministry: Caller) -> Desk:
    BehaviourLog.objects.all().delete()
    acted(by(desk), "查看视频", camera)
    acted(by(desk), "云台控制", camera, outcome=Outcome.REFUSED)
    acted(by(desk), "查看视频", gantry)
    partner = Actor(ActorKind.PARTNER, ministry.partner.pk, "ministry", "10.9.9.9")
    acted(partner, "云台控制", gantry, outcome=Outcome.FAILED)
    acted(Actor(ActorKind.STAFF, None, "未知用户 1234", "10.9.9.8"), "登录", outcome=Outcome.REFUSED)
    return auditor_desk


def test_by_person_verb_thing_address_and_outcome(some: Desk, camera: Camera) -> None:
    assert len(verbs_of(some)) == 5
    assert verbs_of(some, who="王工") == verbs_of(some, who="wang") == ["查看视频", "云台控制", "查看视频"]
    assert verbs_of(some, who="ministry") == ["云台控制"]
    assert verbs_of(some, who="未知用户 1234") == ["登录"]
    assert verbs_of(some, who="nobody") == []
    assert len(verbs_of(some, verb="云台控制")) == 2
    assert verbs_of(some, thing="K1100+001") == verbs_of(some, thing=camera.number) == ["云台控制", "查看视频"]
    assert len(verbs_of(some, thing=camera.name)) == 2
    assert verbs_of(some, address="10.9.9.9") == ["云台控制"]
    assert verbs_of(some, outcome="refused") == ["登录", "云台控制"]
    assert verbs_of(some, who="王工", outcome="refused", thing=camera.stake) == ["云台控制"]
    page = some.page("audit", verb="云台控制")
    assert sorted(re.findall(r"<option(?: selected)?>([^<]+)", page)) == ["云台控制", "查看视频", "登录"]
    assert "<option selected>云台控制" in page


def test_by_days_of_chinese_time(some: Desk) -> None:
    first, second, *_ = BehaviourLog.objects.order_by("id")
    midnight = day_start(day_of(NOON))
    BehaviourLog.objects.filter(pk=first.pk).update(at=midnight - timedelta(seconds=1), verb="昨天")
    BehaviourLog.objects.filter(pk=second.pk).update(at=midnight - timedelta(days=7), verb="八天前")
    assert verbs_of(some, **{"from": "2026-11-21", "to": "2026-11-21"}) == ["昨天"]
    # Seven days unless asked otherwise.
    assert "八天前" not in verbs_of(some)
    assert verbs_of(some, to="2026-11-15") == ["八天前"]
    assert len(verbs_of(some, **{"from": "2026-11-22"})) == 3


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "soon"}, "from 的值“soon”"),
        ({"from": "2026-11-22", "to": "2026-11-21"}, "开始日期晚于结束日期"),
        ({"outcome": "maybe"}, "outcome 的值“maybe”"),
        ({"address": "10.9"}, "“10.9”不是 IP 地址"),
        ({"before": "x"}, "before 的值“x”"),
        ({"who": "x" * 81}, "who 超过 80 个字符"),
    ],
)
def test_what_is_asked_wrongly_is_named(query: dict[str, str], said: str, auditor_desk: Desk) -> None:
    refused = auditor_desk.get("audit", **query)
    assert refused.status_code == 400 and said in text_of(refused)


@pytest.mark.parametrize("odd", ["%", "\\", "'", "\0", "=1", "<script>"])
def test_odd_words_find_nothing_and_hurt_nothing(odd: str, some: Desk) -> None:
    for name in ("who", "thing", "verb"):
        page = some.page("audit", **{name: odd})
        assert "<script>" not in page.replace('<script type="module"', "")
    assert verbs_of(some, thing="%") == []


def test_page_by_page_without_losing_a_row(auditor_desk: Desk) -> None:
    BehaviourLog.objects.all().delete()
    for number in range(120):
        record(SYSTEM, f"第 {number} 次")
    page = auditor_desk.page("audit", who="系统")
    seen = verbs_in(page)
    assert (len(seen), seen[0], "newest" in page) == (50, "第 119 次", False)
    # What is written meanwhile moves nothing.
    record(SYSTEM, "新的")
    while older := re.search(r'href="\?([^"]+)" data-testid="older"', page):
        page = text_of(auditor_desk.client.get(f"/audit/?{older[1].replace('&amp;', '&')}"))
        seen += verbs_in(page)
    assert seen == [f"第 {number} 次" for number in range(119, -1, -1)]
    assert 'data-testid="newest"' in page


def verbs_in(page: str) -> list[str]:
    return re.findall(r'<td class="verb">([^<]*)</td>', page)


def test_the_log_is_read_only(auditor_desk: Desk) -> None:
    assert [auditor_desk.client.post(path).status_code for path in ("/audit/", "/audit/table.csv")] == [405] * 2


# CSV, chain ---------------------------------------------------------------------------------------


def table_of(desk: Desk, **query: object) -> list[list[str]]:
    response = desk.get("audit_table", **query)
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(map(bytes, response)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_a_table_to_take_away_without_formulas(some: Desk, camera: Camera) -> None:
    forger = Actor(ActorKind.STAFF, None, "=HYPERLINK(1)", "10.9.9.7")
    acted(forger, "@SUM", object_name="+1", reason="-2", detail={"=k": "\t=1", "n": [1, None]})
    head, export, first, *rest = table_of(some)
    assert len(head) == len(first) == 12
    assert (export[5], export[8]) == ("导出操作审计", "20261116-20261122")
    assert first[2:] == ["用户", "'=HYPERLINK(1)", "10.9.9.7", "'@SUM", "", "", "'+1", "成功", "'-2"] + [
        "n：1、无；=k：\t=1"
    ]
    assert len(rest) == 5
    assert [row[5] for row in table_of(some, outcome="failed")[1:]] == ["云台控制"]
    log = BehaviourLog.objects.filter(verb="导出操作审计").first()
    assert log is not None and log.detail == {"自": "2026-11-16", "至": "2026-11-22", "结果": "失败"}


def test_the_state_of_the_chain_is_shown(
    auditor_desk: Desk, clock: TimeMachineFixture, settings: LazySettings
) -> None:
    settings.CONSOLE_IDLE_SECONDS = 86_400

    def state() -> str:
        return words(auditor_desk.page("audit").split('data-testid="chain"')[1].split("</dl>")[0])

    assert state().startswith("封存 尚无 库外锚点 尚无 保留 400 天")
    seal_through(BehaviourLog.objects.latest("pk").pk)
    block = LogBlock.objects.get()
    LogAnchor.objects.create(at=NOON, number=block.number, digest=block.digest, places=["x"])
    assert state() == "封存 第 1 块， 11-22 12:30:00 库外锚点 第 1 块， 11-22 12:30:00 保留 400 天"
    record(SYSTEM, "later")
    clock.shift(2 * 3600 + 1)
    late = auditor_desk.page("audit", **{"from": "2026-11-22"})
    assert late.count('<div class="hand">') == 2 and "11-22 12:30 起未封存" in words(late)


@pytest.mark.parametrize("amount", [3, 30])
def test_queries_do_not_grow(amount: int, auditor_desk: Desk, company_auditor: Desk, camera: Camera) -> None:
    for _ in range(amount):
        acted(SYSTEM, "查看视频", camera)
    for desk, queries_of_it in ((auditor_desk, 21), (company_auditor, 26)):
        desk.page("audit")
        with CaptureQueriesContext(connection) as queries:
            desk.page("audit", who="系统", thing="K1100+001")
        assert len(queries) == queries_of_it
