"""操作审计: the behaviour log and the orders of PTZ are one list by time, found, paged and taken away together."""

import ast
import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.http import StreamingHttpResponse
from time_machine import TimeMachineFixture

from access.actors import SYSTEM, Actor
from access.choices import ActorKind, Outcome, Role
from access.models import BehaviourLog, Organisation, User
from access.services.logs import record
from access.services.staff import create_staff
from cameras.models import Camera
from ptz.choices import PTZ_VERB, PtzAction, PtzLevel, PtzOutcome
from ptz.models import PtzOrder
from tests.cast import PASSWORD, Caller
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def reader(auditor_desk: Desk) -> Desk:
    """Reads everything; nothing was done yet."""
    BehaviourLog.objects.all().delete()
    return auditor_desk


def order(camera: Camera, user: User | None = None, at: datetime = NOON, **fields: object) -> PtzOrder:
    values = {
        "level": PtzLevel.PROVINCE,
        "actor_kind": ActorKind.STAFF,
        "actor_id": user.pk if user else None,
        "actor_name": user.display_name if user else "部级",
        "address": "10.1.2.3",
        "action": PtzAction.LEFT,
        "step": 3,
        "outcome": PtzOutcome.DONE,
        "message": "云台向左转动成功",
        "duration_ms": 41,
    }
    row = PtzOrder.objects.create(camera=camera, **{**values, **fields})
    PtzOrder.objects.filter(pk=row.pk).update(at=at)
    return row


def logged(verb: str, at: datetime = NOON, actor: Actor = SYSTEM, **fields: object) -> None:
    record(actor, verb, **fields)  # type: ignore[arg-type]
    BehaviourLog.objects.filter(pk=BehaviourLog.objects.latest("pk").pk).update(at=at)


def words(part: str) -> str:
    return " ".join(re.sub(r"^[^>]*>|<[^>]*>", " ", part).split())


def rows_in(page: str) -> list[str]:
    return [words(part.split("</tr>")[0]) for part in page.split('data-testid="log"')[1:]]


def rows_of(desk: Desk, **query: object) -> list[str]:
    return rows_in(desk.page("audit", **query))


def verbs_of(desk: Desk, **query: object) -> list[str]:
    return re.findall(r'<td class="verb">([^<]*)</td>', desk.page("audit", **query))


def test_an_order_stands_among_what_else_was_done(reader: Desk, desk: Desk, camera: Camera) -> None:
    BehaviourLog.objects.all().delete()
    logged("查看视频", NOON - 3 * SECOND)
    order(camera, desk.user, NOON - 2 * SECOND)
    logged("结束观看", NOON - SECOND)
    assert rows_of(reader)[1] == (
        f"2026-11-22 12:29:58 王工 10.1.2.3 云台控制 摄像机 {camera.name} 成功 云台向左转动成功"
        " 明细 动作 向左 步长 3 级别 省级 答复 成功 用时 41 毫秒"
    )
    assert verbs_of(reader) == ["结束观看", "云台控制", "查看视频"]
    # No way to the raw log is needed for it.
    assert "/admin/ptz/" not in reader.page("audit")


@pytest.mark.parametrize("step", [0, 1])
def test_page_by_page_no_row_is_lost_or_shown_twice(step: int, reader: Desk, camera: Camera) -> None:
    """Where all happened at one moment (0) and one after the other (1)."""
    wanted = []
    for number in range(70):
        at = NOON - (200 - 2 * number) * step * SECOND
        logged(f"第 {number} 次", at)
        wanted.append((at, 1, number, f"第 {number} 次"))
    for number in range(60):
        at = NOON - (199 - 2 * number) * step * SECOND
        order(camera, at=at, message=f"第 {number} 次转动")
        wanted.append((at, 0, number, f"第 {number} 次转动"))
    page, seen = reader.page("audit"), list[str]()
    while True:
        seen += [re.findall(r"第 \d+ 次(?:转动)?", row)[-1] for row in rows_in(page)]
        # What is written meanwhile moves nothing.
        order(camera, at=NOON + 5 * SECOND, message="新的")
        older = re.search(r'href="\?([^"]+)" data-testid="older"', page)
        if older is None:
            break
        page = text_of(reader.client.get(f"/audit/?{older[1].replace('&amp;', '&')}"))
    # The newest first, and of one moment what stands in the behaviour log.
    assert seen == [words for *_, words in sorted(wanted, reverse=True)]
    assert 'data-testid="newest"' in page


@pytest.mark.parametrize("place", ["x", "2-1-1", "0-", "1-nan-4", "0-1-0", "-", "1-1e99-3"])
def test_a_place_that_is_none_is_refused(place: str, reader: Desk) -> None:
    refused = reader.get("audit", before=place)
    assert refused.status_code == 400 and "before 的值" in text_of(refused)


def test_orders_are_found_by_person_camera_address_and_outcome(
    reader: Desk, desk: Desk, admin_desk: Desk, camera: Camera, office: Organisation, ministry: Caller
) -> None:
    BehaviourLog.objects.all().delete()
    other = make_camera(office, 77)
    order(camera, desk.user, NOON - SECOND)
    order(other, admin_desk.user, NOON - 2 * SECOND, address="10.9.9.9", outcome=PtzOutcome.TIMED_OUT)
    of_ministry = {"actor_kind": ActorKind.PARTNER, "actor_id": ministry.partner.pk, "actor_name": "部"}
    order(camera, None, NOON - 3 * SECOND, outcome=PtzOutcome.HELD, level=PtzLevel.MINISTRY, **of_ministry)
    logged(PTZ_VERB, NOON - 4 * SECOND, outcome=Outcome.REFUSED, reason="没有权限")
    logged("登录", NOON - 5 * SECOND)

    def found(**query: object) -> list[str]:
        return [row.split()[1][-2:] for row in rows_of(reader, **query)]

    assert found() == ["59", "58", "57", "56", "55"]
    assert found(verb=PTZ_VERB) == ["59", "58", "57", "56"]
    assert found(verb="登录") == ["55"]
    assert found(who="王工") == ["59"]
    assert found(who="ministry") == ["57"]
    assert found(thing=camera.stake) == found(thing=camera.number) == ["59", "57"]
    assert found(thing="77 号") == ["58"]
    assert found(address="10.9.9.9") == ["58"]
    assert found(outcome="refused") == ["57", "56"]
    assert found(outcome="failed") == ["58"]
    assert found(outcome="done") == ["59", "55"]
    assert found(verb=PTZ_VERB, outcome="refused", thing=camera.stake, who="ministry") == ["57"]
    assert found(to="2026-11-21") == []


def test_who_sees_which_orders(
    desk: Desk,
    other_desk: Desk,
    camera: Camera,
    company: Organisation,
    other_company: Organisation,
    quick_passwords: None,
    settings: LazySettings,
) -> None:
    foreign = make_camera(other_company, 78)
    own = Desk(create_staff(username="wu", password=PASSWORD, role=Role.AUDITOR, organisation=company))
    security = Desk(create_staff(username="an", password=PASSWORD, role=Role.SECURITY))
    system = create_staff(username="xi", password=PASSWORD, role=Role.SYSTEM)
    BehaviourLog.objects.all().delete()
    order(camera, other_desk.user, message="own camera")
    order(foreign, desk.user, message="own person")
    order(foreign, other_desk.user, message="neither")
    order(camera, system, message="of a duty")
    order(camera, None, message="of a partner", actor_kind=ActorKind.PARTNER)

    def seen(by: Desk) -> set[str]:
        return {words for words in ("own camera", "own person", "neither", "of a duty", "of a partner")
                if words in by.page("audit")}  # fmt: skip

    assert seen(own) == {"own camera", "own person", "of a duty", "of a partner"}
    # A security administrator reads what operators did, not 三员 nor partners.
    assert seen(security) == {"own camera", "own person", "neither"}
    assert 'data-testid="nav-audit"' in security.page("audit")
    assert "操作审计" in text_of(security.get("wall"))
    assert desk.get("audit").status_code == desk.get("audit_table").status_code == 403


def test_both_are_taken_away_in_order(
    reader: Desk, desk: Desk, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    BehaviourLog.objects.all().delete()
    monkeypatch.setattr("console.acts._PIECE", 3)
    for number in range(8):
        logged(f"第 {number} 次", NOON - (20 - 2 * number) * SECOND)
        order(camera, desk.user, NOON - (19 - 2 * number) * SECOND, message=f"第 {number} 次转动")
    response = reader.get("audit_table")
    assert isinstance(response, StreamingHttpResponse)
    table = list(csv.reader(io.StringIO(b"".join(map(bytes, response)).decode("utf-8-sig"))))
    assert [row[5] for row in table[1:4]] == ["导出操作审计", PTZ_VERB, "第 7 次"]
    assert len(table) == 1 + 1 + 16
    assert [row[1] for row in table[1:]] == sorted((row[1] for row in table[1:]), reverse=True)
    turned = table[2]
    assert turned[0].startswith("云台 ") and turned[6:11] == ["摄像机", str(camera.pk), camera.name, "成功", "第 7 次转动"]


def test_an_old_name_of_a_verb_is_shown_and_found_as_it_is_called_now(reader: Desk) -> None:
    logged("TokenInfo", NOON - SECOND)
    logged("换取令牌")
    assert verbs_of(reader) == verbs_of(reader, verb="换取令牌") == ["换取令牌"] * 2
    assert "TokenInfo" not in reader.page("audit")


# Every verb has a Chinese name --------------------------------------------------------------------


def verbs_in_code() -> Iterator[tuple[str, str]]:
    """Every text that stands for the verb of a row of the behaviour log, and where."""
    root = Path(settings.BASE_DIR)
    apps = ("access", "acceptance", "analysis", "cameras", "cases", "console", "incidents", "ministry", "ptz")
    files = [path for app in (*apps, "quality", "rates", "snapshots", "streaming") for path in (root / app).rglob("*.py")]
    trees = {path: ast.parse(path.read_text()) for path in files}
    everywhere = {name: text for tree in trees.values() for name, text in _constants(tree)}
    for path, tree in trees.items():
        names = {**everywhere, **dict(_constants(tree))}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) in ("record", "_record") and len(node.args) > 1:
                for verb in _texts(node.args[1], names):
                    yield verb, f"{path.relative_to(root)}:{node.lineno}"


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        text = node.value.value if targets and isinstance(node.value, ast.Constant) else None  # type: ignore[attr-defined]
        yield from ((target.id, text) for target in targets if isinstance(target, ast.Name) and isinstance(text, str))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _texts(node: ast.expr, names: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Name) and node.id in names:
        yield names[node.id]
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, names)
        yield from _texts(node.orelse, names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Call | ast.JoinedStr):
        yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str))


def test_every_verb_has_a_chinese_name() -> None:
    found = list(verbs_in_code())
    assert {verb for verb, _ in found} >= {"登录", "查看视频", "授予角色", "导出操作审计", "换取令牌", PTZ_VERB}
    assert len({verb for verb, _ in found}) > 60
    assert [place for verb, place in found if not re.search(r"[\u4e00-\u9fff]", verb)] == []
