"""Every URL of the URLconf, by every method, with objects that are there, as somebody they are not for (threats.md 14).

Generated: a page that is added is walked from its first day, and fails here until its arguments are known.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from acceptance.models import AcceptanceReport, ShownPicture
from access.actors import SYSTEM
from access.choices import Action, Role
from access.models import Alarm, Organisation, User
from access.services.alarms import raise_alarm
from access.services.logs import record
from access.services.staff import create_staff
from cameras.models import (
    Camera,
    CameraException,
    CameraGroup,
    GroupMember,
    LedgerImport,
    WallPreset,
)
from cases.models import CaseCamera, CaseFile
from cases.services.files import open_case
from incidents.choices import IncidentKind
from incidents.models import Incident, IncidentCamera
from ministry.models import UpperPlatform
from tests.cast import PASSWORD, Caller
from tests.mock_ministry.running import PRIVATE_KEY
from tests.ptz.ledger import make_camera, make_gateway

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Not for staff: partners with their tokens, media servers with their secret; each has tests of its own.
_ELSEWHERE = ("service/", "oauth/", "hooks/")
_PART = re.compile(r"<(?:(\w+):)?(\w+)>")
# Answered with 200 to anybody signed in, and showing nothing of anybody: the sign-in itself, the interface's page.
_FOR_ALL = {"logout/", "api/docs/", "api/schema/", "rights/view/end/"}
# A name by which the objects of the first company are recognised wherever they would be shown.
SECRET = "密云一号隧道"


def reporting(company: Organisation) -> UpperPlatform:
    return UpperPlatform.objects.create(
        name=SECRET,
        base_url="http://127.0.0.1:9",
        user="province",
        device_code="Y29kZQ==",
        token="token",
        private_key=PRIVATE_KEY,
        organisation=company,
    )


def accepted(company: Organisation) -> ShownPicture:
    """A picture in a report of an acceptance."""
    report = AcceptanceReport.objects.create(gateway_name=SECRET, organisation=company, cameras_wanted=1)
    return ShownPicture.objects.create(
        report=report, camera_name=SECRET, video_type=0, taken_at=timezone.now(), jpeg=b"\xff\xd8"
    )


def away(alarm: Alarm, company: Organisation, camera: Camera) -> Incident:
    incident = Incident.objects.create(
        kind=IncidentKind.COMPANY,
        subject=str(company.pk),
        name=SECRET,
        organisation=company,
        alarm=alarm,
        began_at=timezone.now(),
        cameras=1,
    )
    IncidentCamera.objects.create(incident=incident, camera=camera, since=timezone.now())
    return incident


@pytest.fixture
def ids(
    company: Organisation, office: Organisation, operator: User, ministry: Caller, gateway_partner: Caller
) -> dict[str, object]:
    """Of each kind one object that belongs to the first company, by the name of the argument that takes it."""
    Organisation.objects.filter(pk=office.pk).update(name=SECRET)
    camera = make_camera(
        office,
        1,
        gateway=make_gateway(gateway_partner.partner, "http://127.0.0.1:9"),
        name=SECRET,
        road="G88",
    )
    record(SYSTEM, "试验", object_name=SECRET)
    operator.full_name = SECRET
    operator.save()
    return {
        **of_the_console(company, camera, operator),
        "camera_id": camera.pk,
        "organisation_id": office.pk,
        "user_id": operator.pk,
        "partner_id": ministry.partner.pk,
        "unix_slot": int(timezone.now().timestamp()) // 300 * 300,
        "day": "2026-11-22",
        "kind": "csv",
        "name": "G88",
        "object_id": camera.pk,
        "content_type_id": 1,
        "app_label": "cameras",
        "url": "nowhere",
        "path": "cameras/camera/",
    }


def of_the_console(company: Organisation, camera: Camera, operator: User) -> dict[str, object]:
    group = CameraGroup.objects.create(name=SECRET, organisation=company)
    GroupMember.objects.create(group=group, camera=camera)
    exception = CameraException.objects.create(
        user=operator, group=group, organisation=company, action=Action.PTZ, is_denied=True
    )
    picture = accepted(company)
    alarm = raise_alarm(key="k", title=SECRET, organisation=company)
    case = opened(camera)
    sheet = LedgerImport.objects.create(user=operator, filename=f"{SECRET}.xlsx", judged_at=timezone.now())
    preset = WallPreset.objects.create(user=operator, name=SECRET, layout=1, cameras=[camera.pk])
    return {
        "group_id": group.pk,
        "exception_id": exception.pk,
        "platform_id": reporting(company).pk,
        "report_id": picture.report_id,
        "picture_id": picture.pk,
        "preset_id": preset.pk,
        "alarm_id": alarm.pk,
        "incident_id": away(alarm, company, camera).pk,
        "case_id": case.pk,
        "entry_id": CaseCamera.objects.get(case=case).pk,
        "import_id": sheet.pk,
    }


def opened(camera: Camera) -> CaseFile:
    return open_case(
        title=SECRET,
        road="G88",
        stake_m=1_100_000,
        event_at=timezone.now(),
        before=timedelta(minutes=30),
        after=timedelta(minutes=30),
        cameras=[Camera.objects.select_related("organisation__parent").get(pk=camera.pk)],
        actor=SYSTEM,
    )


def routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    for each in (resolver or get_resolver()).url_patterns:
        route = prefix + str(each.pattern).removeprefix("^").removesuffix("$")
        if isinstance(each, URLResolver):
            yield from routes(each, route)
        elif isinstance(each, URLPattern) and not route.startswith(_ELSEWHERE):
            yield route


def paths(ids: dict[str, object]) -> list[tuple[str, str]]:
    """Route and path; the KeyError of a new argument says that it has to be given an object above."""
    found = []
    for route in routes():
        if "(?P" in route:
            continue  # the admin's catch-all and its redirect to an app
        own = {**ids, **_of_admin(route)}
        found.append((route, "/" + "".join(_filled(route, own))))
    return found


def _filled(route: str, own: dict[str, object]) -> Iterator[str]:
    """The route with its arguments in it."""
    end = 0
    for part in _PART.finditer(route):
        yield route[end : part.start()] + str(own[part[2]])
        end = part.end()
    yield route[end:]


def _of_admin(route: str) -> dict[str, object]:
    """The first object of the model that a page of the admin is about."""
    parts = route.split("/")
    if parts[0] != "admin" or len(parts) < 4 or "<" in parts[1] + parts[2] or parts[1] == "r":
        return {}
    try:
        model = apps.get_model(parts[1], parts[2])
    except LookupError:
        return {}
    first = model._default_manager.order_by("pk").first()
    return {"object_id": first.pk if first else 1, "id": first.pk if first else 1}


def outsiders(other_company: Organisation) -> dict[str, User]:
    roles: dict[str, Role | None] = {
        "nobody": None,
        "monitor": Role.MONITOR,
        "section": Role.SECTION_ADMIN,
        "chief": Role.PROVINCE_ADMIN,
        "auditor": Role.AUDITOR,
    }
    return {
        name: create_staff(username=name, password=PASSWORD, role=role, organisation=other_company)
        for name, role in roles.items()
    }


def body_of(response: Any) -> str:
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode("utf-8", "replace")


def has_object(route: str) -> bool:
    """Whether the path itself names an object of the first company."""
    names = {part[1] for part in _PART.findall(route)} - {"day", "unix_slot", "url", "app_label", "path", "kind"}
    return bool(names)


@pytest.mark.parametrize("who", ["nobody", "monitor", "section", "chief", "auditor"])
def test_an_outsider_finds_nothing(who: str, ids: dict[str, object], other_company: Organisation) -> None:
    user = outsiders(other_company)[who]
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    wrong = []
    for route, path in sorted(paths(ids), key=lambda one: one[0] == "logout/"):
        # Every method as the one with the most rights; which role it is makes no view take another method.
        for method in METHODS if who == "chief" else ("GET", "POST"):
            response = browser.generic(method, path, b"", content_type="application/x-www-form-urlencoded")
            status, body = response.status_code, body_of(response)
            is_open = status == 200 and method != "OPTIONS" and has_object(route)
            # An object of another company is not there: 404 wherever the page itself is for this person.
            is_told = status in (200, 201, 204) and SECRET in body
            if status >= 500 or is_open or is_told or (status < 400 and SECRET in body):
                wrong.append((method, path, status))
    assert wrong == []


def test_another_companys_object_is_404(ids: dict[str, object], other_company: Organisation) -> None:
    """For somebody with all rights of a company, whatever is not theirs is as if it were not there."""
    user = outsiders(other_company)["chief"]
    browser = Client()
    browser.force_login(user)
    found = {}
    for route, path in paths(ids):
        if not has_object(route) or route.startswith(("admin/", "snapshots/")):
            continue
        answers = {browser.generic(method, path).status_code for method in ("GET", "POST")}
        found[route] = answers - {405}
    assert len(found) > 25
    assert {route: answers for route, answers in found.items() if answers != {404}} == {}


@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_in_without_signing_in(method: str, ids: dict[str, object]) -> None:
    browser = Client(raise_request_exception=False)
    wrong = []
    for route, path in paths(ids):
        response = browser.generic(method, path)
        if response.status_code >= 500 or SECRET in body_of(response):
            wrong.append((path, response.status_code))
        if response.status_code == 200 and route not in {"login/"} and method not in ("OPTIONS",):
            wrong.append((path, 200))
    assert wrong == []


def test_the_owner_finds_them(ids: dict[str, object], province_admin: User, superuser: User) -> None:
    """The same walk sees the objects as somebody they are for: it would notice."""
    seen = set()
    for user in (province_admin, superuser):
        browser = Client(raise_request_exception=False)
        browser.force_login(user)
        for route, path in paths(ids):
            if not route.startswith("logout"):
                response = browser.get(path)
                assert response.status_code < 500, path
                if response.status_code == 200 and SECRET in body_of(response):
                    seen.add(route)
    assert len(seen) > 15
    assert Camera.objects.get(name=SECRET).deleted_at is None
