"""What the console asks for every two seconds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.choices import Action
from access.models import Organisation, User
from cameras.choices import OnlineStatus
from cameras.models import Camera, CameraException
from incidents.choices import IncidentKind
from incidents.models import Incident, IncidentCamera
from ministry.choices import Interface
from ministry.models import CameraDelivery, InterfaceState, UpperPlatform
from tests.console.desk import Desk, refusal_of, text_of
from tests.console.stand_in import card, incident, raw, state_of_wall
from tests.incidents.running import run_incident
from tests.ptz.ledger import make_camera

Asserter = Callable[[int], Any]


def turn(camera: Camera, status: OnlineStatus, reason: str = "", *, seconds_ago: float = 0) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Camera.objects.filter(pk=camera.pk).update(raw_status=status, raw_status_at=at, status_reason=reason)


def upper_platform(province: Organisation, name: str = "部级平台", **fields: Any) -> UpperPlatform:
    return UpperPlatform.objects.create(
        name=name,
        base_url="http://127.0.0.1:9",
        user="province",
        device_code="Y29kZQ==",
        token="secret-token",
        private_key="ab" * 32,
        organisation=province,
        **fields,
    )


def test_counts_are_of_raw_states(desk: Desk, camera: Camera, gantry: Camera) -> None:
    turn(gantry, OnlineStatus.FAULT)
    assert desk.json("state")["counts"] == {"total": 2, "online": 1, "offline": 0, "fault": 1, "unknown": 0}


def test_wall_learns_the_raw_state_and_its_reason(desk: Desk, camera: Camera) -> None:
    turn(camera, OnlineStatus.FAULT, "该路视频故障", seconds_ago=3600)
    (raw,) = desk.json("state", wall=camera.pk)["wall"]
    assert (raw["id"], raw["state"], raw["reason"]) == (camera.pk, "fault", "该路视频故障")
    assert raw["since"] == pytest.approx(timezone.now().timestamp() - 3600, abs=5)


def test_lists_learn_what_changed_since_the_last_look(desk: Desk, camera: Camera, gantry: Camera) -> None:
    turn(camera, OnlineStatus.OFFLINE, seconds_ago=300)
    since = desk.json("state")["now"]
    assert desk.json("state", since=since)["changes"] == []
    turn(gantry, OnlineStatus.OFFLINE)
    assert desk.json("state", since=since)["changes"] == [[gantry.pk, "offline"]]


def test_a_change_that_was_committed_late_is_not_missed(desk: Desk, camera: Camera) -> None:
    since = desk.json("state")["now"]
    turn(camera, OnlineStatus.OFFLINE, seconds_ago=5)
    assert desk.json("state", since=since)["changes"] == [[camera.pk, "offline"]]


def test_too_many_changes_are_cut_and_said_so(desk: Desk, office: Organisation) -> None:
    for number in range(1, 302):
        make_camera(office, number, raw_status_at=timezone.now())
    state = desk.json("state", since=0)
    assert (len(state["changes"]), state["is_cut"]) == (300, True)


def test_nodes_on_the_screen_are_counted(
    desk: Desk, company: Organisation, camera: Camera, gantry: Camera
) -> None:
    turn(gantry, OnlineStatus.OFFLINE)
    office_id = camera.organisation_id
    nodes = desk.json("state", nodes=f"{company.pk},{office_id},999999")["nodes"]
    assert nodes == {str(company.pk): [1, 2], str(office_id): [1, 2], "999999": [0, 0]}


def test_control_only_of_a_camera_in_sight(desk: Desk, other_desk: Desk, camera: Camera) -> None:
    assert desk.json("state", selected=camera.pk)["control"] == {
        "camera": camera.pk,
        "lease": None,
        "log": [],
    }
    assert other_desk.json("state", selected=camera.pk)["control"] is None


# Incidents ----------------------------------------------------------------------------------------


def test_an_incident_is_told_in_one_line_until_it_is_over(
    desk: Desk, camera: Camera, gantry: Camera, company: Organisation
) -> None:
    found = run_incident(company, "网关 济南分中心", camera, gantry)
    assert desk.json("state")["running"] == {
        "incidents": [
            {
                **{"id": found.pk, "name": "网关 济南分中心", "what": "离线", "cameras": 2, "is_grave": False},
                **{"since": found.began_at.timestamp(), "url": f"/alarms/?alarm={found.alarm_id}"},
            }
        ],
        "more": 0,
    }
    url = desk.json("state")["running"]["incidents"][0]["url"]
    assert "网关 济南分中心" in text_of(desk.client.get(url))
    IncidentCamera.objects.filter(camera=gantry).update(left_at=timezone.now())
    assert desk.json("state")["running"]["incidents"][0]["cameras"] == 1
    Incident.objects.update(ended_at=timezone.now())
    assert desk.json("state")["running"] == {"incidents": [], "more": 0}


def test_an_incident_is_told_of_as_far_as_its_cameras_may_be_watched(
    desk: Desk, other_desk: Desk, camera: Camera, company: Organisation, other_company: Organisation
) -> None:
    theirs = make_camera(other_company, 700)
    run_incident(None, "媒体服务器 一", camera, theirs, kind=IncidentKind.MEDIA)
    run_incident(company, "网关 甲", kind=IncidentKind.GATEWAY)
    run_incident(other_company, "网关 乙", kind=IncidentKind.ROAD)
    for who in (desk, other_desk):
        (told,) = who.json("state")["running"]["incidents"]
        assert (told["name"], told["cameras"]) == ("媒体服务器 一", 1)
    CameraException.objects.create(
        user=desk.user, camera=camera, action=Action.WATCH, is_denied=True, organisation=company
    )
    assert desk.json("state")["running"]["incidents"] == []


def test_single_cameras_are_left_to_the_list_and_the_widest_come_first(
    desk: Desk, office: Organisation, company: Organisation
) -> None:
    run_incident(company, "单路", make_camera(office, 1), kind=IncidentKind.CAMERA)
    with CaptureQueriesContext(connection) as nothing:
        assert desk.json("state")["running"]["incidents"] == []
    for number in range(2, 4):
        run_incident(company, f"网关 {number}", *(make_camera(office, 10 * number + n) for n in range(number)))
    with CaptureQueriesContext(connection) as few:
        assert [one["name"] for one in desk.json("state")["running"]["incidents"]] == ["网关 3", "网关 2"]
    for number in range(4, 9):
        run_incident(company, f"网关 {number}", *(make_camera(office, 10 * number + n) for n in range(number)))
    with CaptureQueriesContext(connection) as many:
        running = desk.json("state")["running"]
    assert ([one["cameras"] for one in running["incidents"]], running["more"]) == ([8, 7, 6], 4)
    assert len(many) == len(few)
    assert len(nothing) < len(few)


def shape(value: Any) -> Any:
    """The keys, down to the leaves."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_what_stands_in_for_the_server_answers_what_the_server_does(
    desk: Desk, camera: Camera, company: Organisation
) -> None:
    """The scripts of the wall are tried against it: tests/console/test_page_scripts.py."""
    run_incident(company, "网关 甲", camera)
    answer = desk.json("state", wall=camera.pk)
    assert shape(answer) == shape(state_of_wall(raw(1), incidents=(incident(),)))
    assert desk.json("card", camera.pk)["card"].keys() == card(1).keys()


# The upper platform -------------------------------------------------------------------------------


def test_no_upper_platform_says_nothing(desk: Desk) -> None:
    assert desk.json("state")["ministry"] is None


def test_last_success_of_the_upper_platform(desk: Desk, province: Organisation) -> None:
    at = timezone.now()
    upper_platform(province, last_success_at=at)
    ministry = desk.json("state")["ministry"]
    assert (ministry["state"], ministry["words"]) == ("online", "部级平台 已同步")
    assert ministry["success_at"] == pytest.approx(at.timestamp())


def test_the_worst_platform_is_shown_and_why_only_to_whom_it_concerns(
    desk: Desk, province_admin: User, province: Organisation
) -> None:
    upper_platform(province, "邻省", last_success_at=timezone.now())
    upper_platform(province, failures=3, last_error="连接超时")
    upper_platform(province, "停用", failures=9, is_active=False)
    assert desk.json("state")["ministry"]["state"] == "fault"
    assert desk.json("state")["ministry"]["reason"] == ""
    assert Desk(province_admin).json("state")["ministry"]["reason"] == "部级平台：连接超时"


def test_an_interface_that_is_refused_is_trouble(
    desk: Desk, province_admin: User, province: Organisation
) -> None:
    well = upper_platform(province, last_success_at=timezone.now())
    state = InterfaceState.objects.create(
        platform=well, interface=Interface.STATUS, failures=4, last_error="没有此接口"
    )
    assert desk.json("state")["ministry"]["state"] == "online"
    state.failures = 5
    state.save()
    ministry = Desk(province_admin).json("state")["ministry"]
    assert (ministry["state"], ministry["words"]) == ("fault", "部级平台 状态被拒绝")
    assert ministry["reason"] == "部级平台：没有此接口"


def test_a_backlog_is_told_and_counted_now_and_then(
    desk: Desk, province: Organisation, office: Organisation, django_assert_num_queries: Asserter
) -> None:
    platform = upper_platform(province, last_success_at=timezone.now())
    camera = make_camera(office, 1)
    Camera.objects.update(version_at=timezone.now() - timedelta(minutes=2))
    ministry = desk.json("state")["ministry"]
    assert (ministry["state"], ministry["words"]) == ("busy", "部级平台 正在追赶 1 项")
    CameraDelivery.objects.create(platform=platform, camera=camera, version=camera.version, status=1)
    # Session, user, permission four times; counts, exceptions, incidents, upper platforms, their interfaces.
    with django_assert_num_queries(14):
        assert desk.json("state")["ministry"]["state"] == "busy"
    cache.clear()
    assert desk.json("state")["ministry"]["state"] == "online"


def test_no_secret_of_the_upper_platform_leaves(province_admin: User, province: Organisation) -> None:
    upper_platform(province)
    text = str(Desk(province_admin).json("state"))
    assert "secret-token" not in text
    assert "abab" not in text


# Bad input and cost -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"since": "yesterday"}, "since 的值“yesterday”应为 unix 秒"),
        ({"since": "nan"}, "since 的值“nan”应为 unix 秒"),
        ({"since": "1e300"}, "since 的值“1e300”应为 unix 秒"),
        ({"since": "-5"}, "since 的值“-5”应为 unix 秒"),
        ({"wall": ",".join(["1"] * 26)}, "wall 最多 25 个"),
        ({"nodes": ",".join(["1"] * 201)}, "nodes 最多 200 个"),
        ({"selected": "all"}, "selected 的值“all”应为 1 到"),
    ],
)
def test_malformed_questions_name_the_place(desk: Desk, params: dict[str, str], words: str) -> None:
    assert words in refusal_of(desk.get("state", **params), 400)


@pytest.mark.parametrize("count", [3, 30])
def test_number_of_queries_does_not_grow(
    count: int, desk: Desk, office: Organisation, django_assert_num_queries: Asserter
) -> None:
    cameras = [make_camera(office, number, raw_status_at=timezone.now()) for number in range(1, count + 1)]
    question = {
        "wall": ",".join(str(camera.pk) for camera in cameras[:25]),
        "nodes": office.pk,
        "since": 0,
        "selected": cameras[0].pk,
    }
    desk.json("state", **question)
    # Session, user, permission and exceptions; counts, changes, incidents, upper platforms, wall, nodes, selected, lease, log.
    with django_assert_num_queries(19):
        assert len(desk.json("state", **question)["changes"]) == count
