"""点位台账: a sheet is looked at, and brought in as a whole; whose rows, which cells, and nothing half done."""

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpResponseBase
from time_machine import TimeMachineFixture

from access.models import BehaviourLog, Organisation
from cameras.models import Camera, CameraChange, LedgerImport
from cameras.services.imports import verdicts_of
from cameras.services.tables import read_table
from protocol.fields import is_camera_num
from tests.cameras.ledger import make_gateway, number, register, wire
from tests.cameras.sheets import TITLES, row, sheet
from tests.cast import Caller
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db


def upload(desk: Desk, file: io.BytesIO) -> HttpResponseBase:
    return desk.client.post("/ledger/import/", {"file": file}, follow=True)


def preview(desk: Desk, file: io.BytesIO) -> LedgerImport:
    """The preview of a file that can be read."""
    response = upload(desk, file)
    assert response.status_code == 200, text_of(response)
    made = LedgerImport.objects.filter(user=desk.user).first()
    assert made is not None, told(response)
    return made


def told(response: HttpResponseBase) -> str:
    """What the page says above all else."""
    found = re.findall(r'<li data-level="\w+">(?:<i[^>]*></i>)?([^<]*)', text_of(response))
    return "；".join(found)


def commit(desk: Desk, made: LedgerImport, **body: Any) -> HttpResponseBase:
    return desk.client.post(f"/ledger/import/{made.pk}/commit/", body, follow=True)


def counts(made: LedgerImport) -> dict[str, int]:
    found: dict[str, int] = made.summary["counts"]
    return found


def faults(made: LedgerImport) -> list[tuple[str, str]]:
    return [(cell, words) for each in verdicts_of(made) for cell, _, _, words in each.faults]


# The way through ----------------------------------------------------------------------------------


def test_new_cameras_in_two_clicks(keeper: Desk) -> None:
    made = preview(keeper, sheet(row(1), row(2), above=2))
    assert counts(made) == {"new": 2}
    assert Camera.objects.count() == 0
    response = commit(keeper, made)
    assert told(response) == "已导入：新增 2 路，修改 0 路"
    first, second = Camera.objects.order_by("stake_m")
    assert is_camera_num(first.number) and first.number != second.number
    assert (first.name, first.stake_m, first.organisation.name) == ("G2 京沪高速 K401+300 上行", 401_300, "济南管理处")
    assert (first.owner, first.is_pending, first.version) == (None, False, 1)
    (log,) = BehaviourLog.objects.filter(verb="导入台账")
    assert (log.actor_name, log.object_name, log.detail["新增"]) == ("冯工", "点位.xlsx", 2)
    changes = CameraChange.objects.values_list("act", "source", "actor_name")
    assert list(changes) == [("registered", "import", "冯工")] * 2


def test_only_what_changed_goes_upward(keeper: Desk, office: Organisation) -> None:
    kept, changed = make_camera(office, 1), make_camera(office, 2)
    file = exported(keeper)
    rows = [{**each, "poi_name": "大桥"} if each["number"] == changed.number else each for each in file]
    made = preview(keeper, sheet(*rows))
    assert counts(made) == {"same": 1, "changed": 1}
    (verdict,) = verdicts_of(made)
    assert verdict.changes == [("兴趣点", changed.poi_name, "大桥")]
    commit(keeper, made)
    kept.refresh_from_db()
    changed.refresh_from_db()
    assert (kept.version, changed.version, changed.poi_name) == (1, 2, "大桥")
    (change,) = CameraChange.objects.all()
    assert (change.camera_id, change.fields) == (changed.pk, [["poi_name", "", "大桥"]])


def exported(desk: Desk, **params: Any) -> list[dict[str, str]]:
    """The rows of the export by column key, as a spreadsheet would show them."""
    response = desk.client.get("/ledger/export.xlsx", params)
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]  # a file
    return [line.texts for line in read_table(io.BytesIO(body)).lines]


@pytest.mark.parametrize("is_full", [True, False])
def test_an_export_comes_back_unchanged(
    keeper: Desk, office: Organisation, company: Organisation, gateway_partner: Caller, is_full: bool
) -> None:
    gateway = make_gateway(gateway_partner.partner)
    extra: dict[str, Any] = (
        {"poi_name": "苏通大桥", "others": "=1+1", "gateway": gateway, "name": "  _x0041_ \u3000+甲"}
        if is_full
        else {}
    )
    make_camera(office, 1, longitude=117.12345678901234, latitude=36.1, road="G2&S38", **extra)
    make_camera(company, 2, area="370100", others="两行\n文字" if is_full else "")
    response = keeper.client.get("/ledger/export.xlsx")
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]  # a file
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml")
    made = preview(keeper, io.BytesIO(body))
    assert (counts(made), verdicts_of(made)) == ({"same": 2}, [])
    assert "与台账一致，不用导入" in keeper.page("ledger_import", made.pk)


def test_the_template_has_no_cameras(keeper: Desk) -> None:
    response = keeper.client.get("/ledger/template.xlsx")
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]  # a file
    assert told(upload(keeper, io.BytesIO(body))) == "没有导入：表头下面没有数据"


# Faults -------------------------------------------------------------------------------------------


def test_each_fault_at_its_cell(keeper: Desk) -> None:
    wrong = row(
        1, name="", road="京沪", stake="1100", orientation="左", longitude=217, latitude="北纬", classify="路边",
        area="37", gateway="GW-9", number="甲",
    )  # fmt: skip
    made = preview(keeper, sheet(row(2), wrong))
    assert counts(made) == {"new": 1, "wrong": 1}
    found = dict(faults(made))
    assert sorted(found) == ["A3", "B3", "E3", "F3", "G3", "H3", "I3", "J3", "L3", "M3"]
    assert found["B3"] == "不能为空"
    assert found["F3"] == "不符合 K<千米>+<米> 格式，例如 K1100+300"
    assert found["H3"] == "应在 73 到 136 之间"
    page = keeper.page("ledger_import", made.pk, kind="wrong")
    assert '<b class="mono">F3</b> 桩号' in page and "不符合 K&lt;千米&gt;" in page
    response = commit(keeper, made)
    assert told(response) == "有 1 行有错：改正后重新上传，或选择跳过它们"
    assert Camera.objects.count() == 0
    assert "新增 1 路" in told(commit(keeper, made, skips_wrong="1"))
    assert Camera.objects.count() == 1


def test_a_formula_is_refused_at_its_cell_and_text_stays_text(keeper: Desk) -> None:
    made = preview(keeper, sheet(row(1, name="formula:=1+1"), row(2, poi_name="=cmd|' /C calc'!A0")))
    assert faults(made) == [("B2", "是公式，请复制后“粘贴为数值”再导入")]
    commit(keeper, made, skips_wrong="1")
    assert Camera.objects.get().poi_name == "=cmd|' /C calc'!A0"
    assert exported(keeper)[0]["poi_name"] == "=cmd|' /C calc'!A0"


def test_the_same_number_twice(keeper: Desk) -> None:
    made = preview(keeper, sheet(row(1, number=number(1)), row(2, number=number(1).upper())))
    assert faults(made) == [("A2", "与第 3 行的编号相同"), ("A3", "与第 2 行的编号相同")]


def test_numbers_that_a_spreadsheet_rounded(keeper: Desk) -> None:
    made = preview(keeper, sheet(row(1, number=12345678901234567890), row(2, number=123)))
    assert faults(made) == [("A2", "被表格软件当成了数值，末位已丢失，请把这一列设为文本后重填")]
    commit(keeper, made, skips_wrong="1")
    assert Camera.objects.get().number == "123"


def test_a_file_with_few_columns_changes_just_these(keeper: Desk, office: Organisation) -> None:
    camera = make_camera(office, 1, gateway=None, others="甲")
    made = preview(keeper, sheet({"number": camera.number, "name": "新名", "备注": "x"}, titles=["名称", "摄像机编号", "备注", "路线"]))  # fmt: skip
    # A required cell that is empty is a fault, a column that is missing is not.
    assert faults(made) == [("D2", "不能为空")]
    titles = ["名称", "摄像机编号", "备注", "兴趣点"]
    made = preview(keeper, sheet({"number": camera.number, "name": "新名", "备注": "x"}, titles=titles))
    assert (counts(made), made.summary["unknown"]) == ({"changed": 1}, ["备注"])
    commit(keeper, made)
    camera.refresh_from_db()
    assert (camera.name, camera.others, camera.road) == ("新名", "甲", "G2")


def test_a_new_camera_needs_all_columns(keeper: Desk) -> None:
    made = preview(keeper, sheet(row(1), titles=[title for title in TITLES if title != "桩号"]))
    assert faults(made) == [("A2", "台账里没有这个编号；新点位还须有 桩号 列")]


# Files --------------------------------------------------------------------------------------------


def repacked(file: io.BytesIO, name: str, content: bytes) -> io.BytesIO:
    """The file with one part exchanged."""
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, content if member.filename == name else old.read(member))
    out.seek(0)
    return out


SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "请选择一个有内容的 .xlsx 文件"),
        (b"PK", "不是有效的 .xlsx 文件"),
        (b"a,b,c\r\n", "不是有效的 .xlsx 文件"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "文件设有打开密码，或是旧的 .xls 格式"),
    ],
)
def test_what_is_no_spreadsheet(keeper: Desk, content: bytes, words: str) -> None:
    assert words in told(upload(keeper, io.BytesIO(content)))


@pytest.mark.parametrize(
    "part",
    [
        HEAD,
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + HEAD + b"</sheetData></worksheet>",
        HEAD + b'<row r="1"><c r="A1" t="s"><v>999</v></c></row></sheetData></worksheet>',
        HEAD + b'<row r="x"><c r="A1"><v>1</v></c></row></sheetData></worksheet>',
        b"\x00\x01",
    ],
)
def test_a_damaged_file_gets_words(keeper: Desk, part: bytes) -> None:
    assert "文件已损坏" in told(upload(keeper, repacked(sheet(row(1)), SHEET, part)))


def test_a_file_cut_short(keeper: Desk) -> None:
    whole = sheet(row(1)).getvalue()
    for length in (100, len(whole) // 2, len(whole) - 5):
        assert "文件已损坏" in told(upload(keeper, io.BytesIO(whole[:length])))


def test_a_cell_far_away_costs_nothing(keeper: Desk) -> None:
    far = HEAD + b'<row r="1"><c r="XFD1"><v>1</v></c></row><row r="1048576"><c r="A1048576"/></row></sheetData></worksheet>'
    assert "没有找到表头" in told(upload(keeper, repacked(sheet(row(1)), SHEET, far)))


def test_limits(keeper: Desk, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cameras.services.tables.MOST_ROWS", 2)
    assert "超过 2 行" in told(upload(keeper, sheet(row(1), row(2), row(3))))
    monkeypatch.setattr("cameras.services.tables.MOST_UNPACKED_BYTES", 10_000)
    assert "文件解压后超过" in told(upload(keeper, sheet(row(1))))
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5000
    assert "最大 0 MB" in told(upload(keeper, sheet(row(1))))
    assert LedgerImport.objects.count() == 0


def test_no_titles(keeper: Desk) -> None:
    assert "没有找到表头" in told(upload(keeper, sheet({"甲": "1"}, titles=["甲", "乙"])))
    assert "与前面的列重复" in told(upload(keeper, sheet(row(1), titles=["名称", "名称", "桩号", "路线", "方向"])))


# Whose ------------------------------------------------------------------------------------------


def test_another_companys_camera_is_an_error_at_its_cell(keeper: Desk, other_company: Organisation) -> None:
    foreign = make_camera(other_company, 9)
    made = preview(keeper, sheet(row(1, number=foreign.number)))
    assert faults(made) == [("A2", "已由其他单位登记，不能修改")]
    assert foreign.name not in keeper.page("ledger_import", made.pk)
    made = preview(keeper, sheet(row(1, department="齐鲁交通")))
    assert faults(made) == [("C2", "单位“齐鲁交通”没有登记，或不在您维护的范围内")]


def test_gateways_of_others_are_unknown(keeper: Desk, other_gateway: Caller) -> None:
    make_gateway(other_gateway.partner)
    made = preview(keeper, sheet(row(1, gateway="GW-0002")))
    assert faults(made) == [("M2", "没有登记，或不在您维护的范围内")]


def test_new_offices_are_named_before_they_are_made(keeper: Desk, admin_desk: Desk) -> None:
    made = preview(keeper, sheet(row(1, section="青岛管理处"), row(2, section="")))
    assert made.summary["new_offices"] == ["山东高速 / 青岛管理处"]
    assert not Organisation.objects.filter(name="青岛管理处").exists()
    commit(keeper, made)
    assert Camera.objects.get(stake="K401+300").organisation.parent.name == "山东高速"  # type: ignore[union-attr]
    assert Camera.objects.get(stake="K402+300").organisation.name == "山东高速"
    made = preview(admin_desk, sheet(row(3, department="新公司", section="一处")))
    commit(admin_desk, made)
    assert Camera.objects.get(stake="K403+300").organisation.parent.name == "新公司"  # type: ignore[union-attr]


def test_a_preview_is_of_one_person(keeper: Desk, admin_desk: Desk) -> None:
    made = preview(keeper, sheet(row(1)))
    for name in ("ledger_import", "ledger_faults"):
        assert admin_desk.get(name, made.pk).status_code == 404
    assert commit(admin_desk, made).status_code == 404
    admin_desk.client.post(f"/ledger/import/{made.pk}/discard/")
    assert LedgerImport.objects.filter(pk=made.pk).exists()
    keeper.client.post(f"/ledger/import/{made.pk}/discard/")
    assert not LedgerImport.objects.exists()


def test_a_preview_ends(keeper: Desk, time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOON, tick=False)
    made = preview(keeper, sheet(row(1)))
    time_machine.move_to(NOON + timedelta(hours=25), tick=False)
    later = Desk(keeper.user)
    assert commit(later, made).status_code == 404
    preview(later, sheet(row(1)))
    assert not LedgerImport.objects.filter(pk=made.pk).exists()


# Meanwhile ----------------------------------------------------------------------------------------


def test_what_changed_underneath_is_looked_at_again(keeper: Desk, office: Organisation) -> None:
    camera = make_camera(office, 1)
    made = preview(keeper, sheet({**exported(keeper)[0], "poi_name": "大桥"}))
    Camera.objects.filter(pk=camera.pk).update(poi_name="隧道")
    assert "预览之后台账有变化" in told(commit(keeper, made))
    camera.refresh_from_db()
    assert (camera.poi_name, camera.version) == ("隧道", 1)
    (verdict,) = verdicts_of(LedgerImport.objects.get())
    assert verdict.changes == [("兴趣点", "隧道", "大桥")]
    assert "修改 1 路" in told(commit(keeper, made))
    camera.refresh_from_db()
    assert (camera.poi_name, camera.version) == ("大桥", 2)


def test_what_changed_elsewhere_does_not_matter(keeper: Desk, office: Organisation) -> None:
    other = make_camera(office, 7)
    made = preview(keeper, sheet(row(1)))
    Camera.objects.filter(pk=other.pk).update(poi_name="隧道")
    assert "新增 1 路" in told(commit(keeper, made))


def test_a_second_click_does_nothing(keeper: Desk) -> None:
    made = preview(keeper, sheet(row(1)))
    commit(keeper, made)
    commit(keeper, made)
    assert (Camera.objects.count(), BehaviourLog.objects.filter(verb="导入台账").count()) == (1, 1)


def test_a_deleted_number_comes_back(keeper: Desk, office: Organisation) -> None:
    camera = make_camera(office, 1, deleted_at=NOON)
    made = preview(keeper, sheet(row(1, number=camera.number)))
    assert counts(made) == {"new": 1}
    assert "编号以前删除过" in verdicts_of(made)[0].notes[0]
    commit(keeper, made)
    camera.refresh_from_db()
    assert (camera.deleted_at, camera.stake) == (None, "K401+300")


def test_a_gateways_camera_stays_the_gateways(keeper: Desk, gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    made = preview(keeper, sheet({**exported(keeper)[0], "poi_name": "大桥"}))
    assert "再次上报时以上报的为准" in verdicts_of(made)[0].notes[0]
    commit(keeper, made)
    camera = Camera.objects.get()
    assert (camera.owner, camera.poi_name) == (gateway_partner.partner, "大桥")


def test_findings_are_warnings(keeper: Desk) -> None:
    rows = [row(n) for n in range(8)]
    rows[4]["latitude"] = 37.6758
    made = preview(keeper, sheet(*rows))
    assert counts(made) == {"new": 8}
    noted = {each.line: each.notes for each in verdicts_of(made) if each.notes}
    assert list(noted) == [6] and "坐标离路线" in noted[6][0]
    assert made.summary["scores"][0]["score"] == 87.5
    assert "新增 8 路" in told(commit(keeper, made))
