"""点位台账: the list, one change to many cameras, one camera with its history, review, and the data gate."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import BehaviourLog, Organisation
from cameras.choices import CameraType, Orientation
from cameras.models import Camera, CameraChange
from tests.cameras.ledger import infos, make_gateway, number, register, wire
from tests.cameras.sheets import row
from tests.cast import Caller
from tests.console.desk import Desk, text_of
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db


def names(page: str) -> list[str]:
    return re.findall(r'data-testid="row">.*?<span class="quiet">([^<]*)</span></a>', page, re.DOTALL)


def told(response: Any) -> str:
    found = re.findall(r'<li data-level="\w+">(?:<i[^>]*></i>)?([^<]*)', text_of(response))
    return "；".join(found)


def send(desk: Desk, path: str, **body: Any) -> Any:
    return desk.client.post(f"/ledger/{path}", body, follow=True)


# The list -----------------------------------------------------------------------------------------


def test_filters(
    keeper: Desk,
    office: Organisation,
    company: Organisation,
    other_company: Organisation,
    gateway_partner: Caller,
) -> None:
    gateway = make_gateway(gateway_partner.partner)
    make_camera(office, 1, name="甲", gateway=gateway)
    make_camera(office, 2, name="乙", road="S11", raw_status=0, raw_status_at=timezone.now(), area="999999")
    make_camera(company, 30, name="丙", stake="K1200+000", stake_m=1_200_000)
    foreign = make_camera(other_company, 9, name="丁")
    make_camera(office, 4, name="待审", is_pending=True)
    assert names(keeper.page("ledger")) == ["甲", "丙", "乙"]
    assert names(keeper.page("ledger", q="K1200")) == ["丙"]
    assert names(keeper.page("ledger", q="G2 K1100+0")) == ["甲"]
    assert names(keeper.page("ledger", q="乙")) == ["乙"]
    assert names(keeper.page("ledger", road="s11")) == ["乙"]
    assert names(keeper.page("ledger", organisation=office.pk)) == ["甲", "乙"]
    assert names(keeper.page("ledger", gateway=gateway.pk)) == ["甲"]
    assert names(keeper.page("ledger", gateway="none")) == ["丙", "乙"]
    assert names(keeper.page("ledger", state="offline")) == ["乙"]
    assert names(keeper.page("ledger", finding="area")) == ["乙"]
    assert keeper.get("ledger", organisation=other_company.pk).status_code == 404
    assert keeper.get("ledger", gateway=10**9).status_code == 404
    for name, text in (("state", "x"), ("finding", "x"), ("after", "G2|1"), ("after", f"G2|1|2|{10**20}")):
        assert keeper.get("ledger", **{name: text}).status_code == 400
    assert keeper.get("ledger_camera", foreign.pk).status_code == 404


def test_pages_follow_each_other(keeper: Desk, office: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.ledger.PAGE_ROWS", 2)
    for n in (3, 1, 2):
        make_camera(office, n, name=f"{n} 号", orientation=Orientation.BOTH)
    make_camera(office, 1000, stake_m=1_100_002, orientation=Orientation.UP, name="同桩")
    seen: list[str] = []
    page = keeper.page("ledger")
    while True:
        seen += names(page)
        older = re.search(r'after=([^"]+)" data-testid="older"', page)
        if older is None:
            break
        page = text_of(keeper.client.get(f"/ledger/?after={older[1]}"))
    assert seen == ["1 号", "同桩", "2 号", "3 号"]


def test_queries_do_not_grow(keeper: Desk, office: Organisation) -> None:
    counted = []
    # The session is written once.
    keeper.page("ledger")
    for n in range(30):
        make_camera(office, n)
        if n in (2, 29):
            with CaptureQueriesContext(connection) as queries:
                keeper.page("ledger")
            counted.append(len(queries))
    assert counted[0] == counted[1]


def test_who_keeps_no_ledger_is_refused(desk: Desk) -> None:
    assert "没有“维护台账”权限" in text_of(desk.get("ledger"))
    assert 'data-testid="nav-ledger"' not in desk.page("wall")


# Many at once -------------------------------------------------------------------------------------


def digest_of(page: str) -> str:
    found = re.search(r'name="digest" value="(\w+)"', page)
    assert found, page
    return found[1]


def test_one_change_to_many(keeper: Desk, office: Organisation) -> None:
    cameras = [make_camera(office, n, camera_type=CameraType.FIXED if n else CameraType.DOME) for n in range(3)]
    body = {"ids": [camera.pk for camera in cameras], "camera_type": "2", "ptz": "no"}
    page = text_of(send(keeper, "edit/", **{**body, "ptz": ""}))
    assert '<b class="mono">3</b> 路，其中 <b class="mono" data-testid="changing">2</b> 路会变化' in page
    assert Camera.objects.filter(camera_type=CameraType.DOME).count() == 1
    response = send(keeper, "edit/", **body, digest=digest_of(text_of(send(keeper, "edit/", **body))))
    assert told(response) == "已修改 3 路摄像机"
    assert set(Camera.objects.values_list("camera_type", "ptz_override")) == {(2, False)}
    # PTZ is not reported upward.
    assert list(Camera.objects.order_by("pk").values_list("version", flat=True)) == [1, 2, 2]
    assert CameraChange.objects.filter(source="bulk", actor_name="冯工").count() == 3
    assert BehaviourLog.objects.get(verb="批量修改点位").detail == {"摄像机类型": "球机", "云台": "不可控"}


def test_everything_that_is_filtered(keeper: Desk, office: Organisation, company: Organisation) -> None:
    make_camera(office, 1)
    make_camera(office, 2, road="S11")
    body = {"everything": "1", "query": "road=S11", "organisation": str(company.pk)}
    page = text_of(send(keeper, "edit/", **body))
    assert "山东高速 / 济南管理处" in page and "<td>山东高速</td>" in page
    make_camera(office, 3, road="S11")
    stale = send(keeper, "edit/", **body, digest=digest_of(page))
    assert told(stale) == "符合筛选的摄像机刚刚有变化，请重新预览"
    digest = digest_of(text_of(send(keeper, "edit/", **body)))
    assert told(send(keeper, "edit/", **body, digest=digest)) == "已修改 2 路摄像机"
    assert set(Camera.objects.filter(organisation=company).values_list("road", flat=True)) == {"S11"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "请至少选一项要修改的内容"),
        ({"road": "京沪"}, "不符合路线编号格式"),
        ({"ptz": "x"}, "云台应为"),
        ({"organisation": "999999"}, "单位不存在"),
        ({"gateway": "999999"}, "网关不存在"),
    ],
)
def test_what_cannot_be_set(keeper: Desk, office: Organisation, change: dict[str, str], words: str) -> None:
    camera = make_camera(office, 1)
    assert words in told(send(keeper, "edit/", ids=[camera.pk], **change))


def test_another_companys_cameras_are_not_edited(
    keeper: Desk, office: Organisation, other_company: Organisation
) -> None:
    own, foreign = make_camera(office, 1), make_camera(other_company, 9)
    body = {"ids": [own.pk, foreign.pk], "area": "370112"}
    digest = digest_of(text_of(send(keeper, "edit/", **body)))
    assert told(send(keeper, "edit/", **body, digest=digest)) == "有的摄像机已不在台账里，请重新选择"
    assert set(Camera.objects.values_list("area", flat=True)) == {"370100"}
    assert told(send(keeper, "edit/", ids=["x"], area="370112")) == "请先勾选要修改的摄像机"


# One camera ---------------------------------------------------------------------------------------


def test_the_form_of_a_camera(keeper: Desk, office: Organisation) -> None:
    camera = make_camera(office, 1)
    texts = {**row(1), "number": "other", "name": "新名", "longitude": "117.5"}
    response = keeper.client.post(f"/ledger/{camera.pk}/", texts, follow=True)
    assert told(response) == "已保存"
    camera.refresh_from_db()
    assert (camera.name, camera.longitude, camera.version) == ("新名", 117.5, 2)
    assert camera.number.startswith("BAEE")
    page = text_of(response)
    assert "名称：" in page and '<span class="was">G2 济南段 1 号</span> → 新名' in page
    assert "冯工" in page and "台账页面" in page
    log = BehaviourLog.objects.get(verb="修改摄像机")
    assert log.detail["名称"] == "G2 济南段 1 号 → 新名" and "编号" not in log.detail
    # What is saved as it was changes nothing, and says nothing of what was changed before.
    keeper.client.post(f"/ledger/{camera.pk}/", texts)
    assert [row.detail for row in BehaviourLog.objects.filter(verb="修改摄像机").exclude(pk=log.pk)] in ([], [{}])
    wrong = keeper.client.post(f"/ledger/{camera.pk}/", {**texts, "stake": "1100"})
    assert wrong.status_code == 400
    assert "不符合 K&lt;千米&gt;+&lt;米&gt; 格式" in text_of(wrong)


def test_a_camera_by_hand_and_its_end(keeper: Desk, office: Organisation) -> None:
    assert told(keeper.client.post("/ledger/new/", {**row(1), "number": ""}, follow=True)) == "已保存"
    camera = Camera.objects.get()
    assert len(camera.number) == 36
    assert told(keeper.client.post(f"/ledger/{camera.pk}/delete/", follow=True)) == f"已删除 {camera.name}"
    camera.refresh_from_db()
    assert camera.deleted_at is not None
    acts = CameraChange.objects.order_by("pk").values_list("act", "source")
    assert list(acts) == [("registered", "form"), ("deleted", "form")]


# History ------------------------------------------------------------------------------------------


def test_every_way_tells_the_history(
    admin_desk: Desk, gateway_partner: Caller, province: Organisation, office: Organisation
) -> None:
    register(gateway_partner, wire(1))
    register(gateway_partner, wire(1, poiName="大桥"))
    register(gateway_partner, wire(1, poiName="大桥"))
    gateway_partner.post("VideoInformationDel", {"cameraNums": [number(1)]})
    acts = CameraChange.objects.order_by("pk").values_list("act", "source", "actor_name", "fields")
    assert [act for act, *_ in acts][:2] == ["registered", "modified"]
    assert acts[1][1:] == ("report", "gateway-jinan", [["poi_name", "京沪高速", "大桥"]])


def test_moves_of_a_vehicle_write_no_history(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1, classify=8))
    register(gateway_partner, wire(1, classify=8, longAndLati="118.1/36.1"))
    assert list(CameraChange.objects.values_list("act", flat=True)) == ["registered"]


# Review -------------------------------------------------------------------------------------------


def test_review(keeper: Desk, desk: Desk, gateway_partner: Caller) -> None:
    make_gateway(gateway_partner.partner, is_review_first=True)
    register(gateway_partner, wire(1), wire(2))
    assert len(names(keeper.page("ledger_review"))) == 2
    assert names(keeper.page("ledger")) == []
    first, second = Camera.objects.order_by("number")
    assert told(send(keeper, "review/decide/", ids=[first.pk], decision="approve")) == "1 路摄像机已通过审核"
    assert told(send(keeper, "review/decide/", ids=[second.pk], decision="reject")) == "请写明退回原因，最多 200 个字符"
    done = send(keeper, "review/decide/", ids=[second.pk], decision="reject", reason=" 坐标不对 ")
    assert told(done).startswith("已退回 1 路摄像机")
    assert names(keeper.page("ledger_review")) == []
    assert "坐标不对" in keeper.page("ledger_review", rejected=1)
    # The gateway hears of it when it reports the same again, and may mend it.
    answer = gateway_partner.post("VideoInformation", [wire(2)])
    assert [(each["status"], each["info"]) for each in answer["backResult"]] == [(1, "审核未通过：坐标不对")]
    assert infos(gateway_partner.post("VideoInformation", [wire(2, longAndLati="117.1/36.6")])) == ["待审核"]
    assert len(names(keeper.page("ledger_review"))) == 1
    second.refresh_from_db()
    assert (second.is_pending, second.rejection, second.rejected_at) == (True, "", None)
    acts = CameraChange.objects.filter(camera=second).order_by("pk").values_list("act", "reason")
    assert list(acts) == [("registered", ""), ("rejected", "坐标不对"), ("modified", "")]
    assert set(BehaviourLog.objects.filter(actor_name="冯工").values_list("verb", flat=True)) == {"通过审核", "退回摄像机"}


def test_review_of_another_company(keeper: Desk, other_gateway: Caller) -> None:
    make_gateway(other_gateway.partner, is_review_first=True)
    register(other_gateway, wire(1, department="齐鲁交通", roadSec="一处"))
    camera = Camera.objects.get()
    assert names(keeper.page("ledger_review")) == []
    assert told(send(keeper, "review/decide/", ids=[camera.pk], decision="approve")) == "请先勾选摄像机"
    assert Camera.objects.get().is_pending


# The gate -----------------------------------------------------------------------------------------


def test_the_gate_scores_companies(keeper: Desk, admin_desk: Desk, office: Organisation, other_company: Organisation) -> None:
    good = [make_camera(office, n, name=f"G2 K1100+{n:03d} 上行 {n}") for n in range(3)]
    make_camera(other_company, 9, area="999999", name="G2 K1100+009 上行")
    page = admin_desk.page("ledger_gate")
    scores = re.findall(r'scope="row">([^<]*)</th><td[^>]*>(?:<i[^>]*></i> )?<b>([\d.]+)', page)
    assert scores == [("齐鲁交通", "0.0"), ("山东高速", "100.0")]
    assert "齐鲁交通" not in keeper.page("ledger_gate")
    Camera.objects.filter(pk=good[0].pk).update(name=good[1].name)
    # What is kept of a company ends with the first change to it.
    assert "100.0" in keeper.page("ledger_gate")
    good[0].name = good[1].name
    good[0].save()
    assert "33.3" in keeper.page("ledger_gate")
    assert "本单位有 2 路摄像机都叫这个名称" in keeper.page("ledger")
