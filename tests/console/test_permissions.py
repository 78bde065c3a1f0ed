"""Every view of the console says whom it lets in, and lets in nobody else (threats.md 14)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from access.choices import Action
from access.models import Organisation
from cameras.models import Camera
from console import urls
from tests.console.desk import Desk, refusal_of, text_of

PUBLIC = {"login", "logout", "login_code", "rights_end_view"}
# Of whoever is signed in: test_passwords.py, test_second_factor.py.
OWN = {"account", "password", "factor", "recovery", "end_sessions"}
# Of whoever looks after the sign-ins of others, or reads the log: test_sign_ins.py, test_audit.py.
OF_OTHERS = {"sign_ins", "sign_ins_end", "sign_ins_unlock", "sign_ins_factor"}
AUDIT = {"audit", "audit_table"}
PARTS = {
    *("road_branch", "tree", "branch", "search", "streams_standing", "streams_pushes", "quality_standing"),
    "alarms_standing",
}
PAGES = {
    *("wall", "analysis", "quality", "snapshots", "online", "online_table", "streams", "ministry"),
    *("acceptance", "acceptance_report", "film", "cases", "case_new"),
    *("alarms", "incident", "incident_table", "reports", "report_table"),
    *("ledger", "ledger_template", "ledger_export", "ledger_edit", "ledger_gate", "ledger_upload", "ledger_new"),
    *("ledger_review", "ledger_decide"),
}
PAGES_OF_A_CASE = {
    *("case", "case_note", "case_add", "case_close", "case_release", "case_export", "case_picture"),
}
PARTS_OF_A_CASE = {"case_exports"}
PARTS_OF_AN_ALARM = {"alarm_look", "alarm_acknowledge"}
# With their objects and by their methods: tests/test_outsiders.py.
PAGES_OF_RIGHTS = {
    *("rights", "rights_groups", "rights_group", "rights_members", "rights_remove_group"),
    *("rights_exceptions", "rights_end_exception", "rights_watchers", "rights_watchers_table"),
    *("rights_partners", "rights_ptz"),
}
PARTS_OF_RIGHTS = {
    *("rights_cell", "rights_grant", "rights_end", "rights_person", "rights_switch", "rights_view_as"),
    *("rights_new_user", "rights_screen", "rights_camera_choices", "rights_person_choices"),
}
PAGES_OF_AN_IMPORT = {"ledger_import", "ledger_commit", "ledger_discard", "ledger_faults"}
PAGES_OF_A_LEDGER_CAMERA = {"ledger_camera", "ledger_delete"}
PAGES |= PAGES_OF_AN_IMPORT | PAGES_OF_A_LEDGER_CAMERA
PARTS_OF_A_REPORT = {"acceptance_standing", "acceptance_picture"}
PARTS_OF_A_PLATFORM = {
    *("ministry_standing", "ministry_calls", "ministry_retry", "ministry_retry_parked"),
    *("ministry_check", "ministry_repair", "ministry_token"),
}
JSON_OF_NOBODY = {
    *("state", "cards", "presets", "forget_preset", "places", "tour", "film_roads", "film_day", "alarm_counts"),
    "film_pictures",
}
JSON_OF_A_CAMERA = {"card", "play", "ptz", "strip", "days"}
# Asks for more than watching: tests/console/test_quality_page.py.
JSON_OF_A_KEEPER = {"judge_quality"}


def patterns() -> list[URLPattern]:
    return [pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)]


def path_to(name: str, camera: Camera, office: Organisation) -> str:
    arguments: dict[str, list[Any]] = {"branch": [office.pk], "road": ["G2"], "road_branch": ["G2"]}
    arguments |= {"forget_preset": [1], "film_road": ["G2"], "report_table": ["csv"]}
    if name in PARTS_OF_AN_ALARM | PARTS_OF_A_CASE | PAGES_OF_AN_IMPORT | {"incident", "incident_table"}:
        arguments[name] = [1]
    if name in JSON_OF_A_CAMERA | JSON_OF_A_KEEPER | PAGES_OF_A_LEDGER_CAMERA:
        arguments[name] = [camera.pk]
    if name == "day_archive":
        arguments[name] = [camera.pk, "2026-11-22"]
    if name == "film_day":
        arguments[name] = ["2026-11-22"]
    if name in PAGES_OF_A_CASE:
        arguments[name] = [1, 1, 300] if name == "case_picture" else [1]
    if name in PAGES_OF_RIGHTS | PARTS_OF_RIGHTS:
        count = str(next(pattern for pattern in patterns() if pattern.name == name).pattern).count("<")
        arguments[name] = [1] * count
    if name in PARTS_OF_A_PLATFORM | PARTS_OF_A_REPORT | {"acceptance_report"}:
        arguments[name] = [1, 1] if name == "acceptance_picture" else [1]
    return reverse(f"console:{name}", args=arguments.get(name, []))


def ask(client: Client, path: str) -> Any:
    """By GET, or by POST where the view takes nothing else."""
    response = client.get(path)
    if response.status_code != 405:
        return response
    return client.post(path, b'{"action": 1, "step": 1}', content_type="application/json")


def test_every_view_declares_its_permission() -> None:
    declared = {
        pattern.name: getattr(pattern.callback, "required_action", "missing") for pattern in patterns()
    }
    assert {name for name, action in declared.items() if action == "missing"} == set()
    assert {name for name, action in declared.items() if action is None} == PUBLIC
    assert {name for name, action in declared.items() if action == "own"} == OWN
    assert all(isinstance(action, Action) for name, action in declared.items() if name not in PUBLIC | OWN)


def test_the_matrix_below_knows_every_view() -> None:
    assert {pattern.name for pattern in patterns()} == (
        PUBLIC | PARTS | PARTS_OF_A_PLATFORM | PARTS_OF_A_REPORT | PAGES | JSON_OF_NOBODY | JSON_OF_A_CAMERA
    ) | PAGES_OF_A_CASE | PARTS_OF_AN_ALARM | PARTS_OF_A_CASE | JSON_OF_A_KEEPER | OWN | OF_OTHERS | AUDIT | {
        *("road", "film_road", "day_archive", *PAGES_OF_RIGHTS, *PARTS_OF_RIGHTS),
    }


NAMES = sorted(str(pattern.name) for pattern in patterns() if pattern.name not in PUBLIC)


@pytest.mark.parametrize("name", NAMES)
def test_nobody_gets_in_without_signing_in(name: str, camera: Camera, office: Organisation) -> None:
    response = ask(Client(), path_to(name, camera, office))
    is_form = response.wsgi_request.method == "POST"
    lost = "&lost=1" if is_form else ""
    if name in PAGES | PAGES_OF_A_CASE | PAGES_OF_RIGHTS | OWN | OF_OTHERS | AUDIT:
        path = "/" if is_form else path_to(name, camera, office)
        assert response.headers["Location"] == f"/login/?next={path}{lost}"
    elif name in PARTS | PARTS_OF_A_PLATFORM | PARTS_OF_A_REPORT | PARTS_OF_AN_ALARM | PARTS_OF_A_CASE | PARTS_OF_RIGHTS:
        assert (response.status_code, response.headers["HX-Redirect"]) == (401, f"/login/?next=/{lost}")
    else:
        assert refusal_of(response, 401) == "登录已失效，请重新登录"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OWN | AUDIT])
def test_a_role_without_watching_is_refused(
    name: str, auditor_desk: Desk, camera: Camera, office: Organisation
) -> None:
    response = ask(auditor_desk.client, path_to(name, camera, office))
    assert response.status_code == 403
    assert "权限" in text_of(response)


@pytest.mark.parametrize("name", sorted(JSON_OF_A_CAMERA | {"branch", "road", "film_road"}))
def test_another_company_is_not_there(
    name: str, desk: Desk, other_desk: Desk, camera: Camera, office: Organisation, media_server: object
) -> None:
    path = path_to(name, camera, office)
    assert ask(desk.client, path).status_code == 200
    unknown = path_to(name, Camera(pk=camera.pk + 1000), Organisation(pk=office.pk + 1000))
    for response in (ask(other_desk.client, path), ask(desk.client, unknown)):
        if name not in ("road", "film_road") or response.wsgi_request.user == other_desk.user:
            assert response.status_code == 404
            assert "不存在" in text_of(response) or "没有可查看的摄像机" in text_of(response)


def of_cards(desk: Desk, camera: Camera) -> str:
    return str(desk.json("cards", ids=camera.pk)["cards"])


def of_first_cards(desk: Desk, camera: Camera) -> str:
    return str(desk.json("cards")["cards"])


def of_state(desk: Desk, camera: Camera) -> str:
    state = desk.json("state", wall=camera.pk, selected=camera.pk, since=1, nodes=camera.organisation_id)
    counted = state["nodes"].pop(str(camera.organisation_id))
    return f"{state['wall']}{state['changes']}{state['control']}" + (
        f"id': {camera.pk}" if counted[1] else ""
    )


def of_search(desk: Desk, camera: Camera) -> str:
    return desk.page("search", q=camera.number)


def of_tree(desk: Desk, camera: Camera) -> str:
    return desk.page("tree")


@pytest.mark.parametrize(
    ("look", "sign"),
    [
        (of_cards, "'id': {pk}"),
        (of_first_cards, "'id': {pk}"),
        (of_state, "id': {pk}"),
        (of_search, 'data-camera-id="{pk}"'),
        (of_tree, "山东高速"),
    ],
)
def test_lists_leave_out_another_company(
    look: Callable[[Desk, Camera], str], sign: str, desk: Desk, other_desk: Desk, camera: Camera
) -> None:
    wanted = sign.format(pk=camera.pk)
    assert wanted in look(desk, camera)
    assert wanted not in look(other_desk, camera)


def test_watching_is_not_turning(monitor_desk: Desk, camera: Camera) -> None:
    response = monitor_desk.post("ptz", camera.pk, body={"action": 1, "step": 4})
    assert refusal_of(response, 403) == "没有该摄像机的“云台控制”权限"
    card = monitor_desk.json("card", camera.pk)["card"]
    assert (card["can_ptz"], card["may_ptz"]) == (True, False)
