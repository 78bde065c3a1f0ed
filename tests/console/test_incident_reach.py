"""An incident of a gateway that serves several companies, as the staff of each of them sees it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import Role
from access.models import Alarm, Organisation, User
from access.services.staff import create_staff
from cameras.models import Camera, CameraException
from cases.records import alarms
from cases.tables import entries_of
from incidents.choices import IncidentKind
from incidents.models import Incident, IncidentCamera
from incidents.selectors import incidents_visible_to
from tests.cases.scene import EVENT, NOW, begin, stand
from tests.cast import PASSWORD
from tests.console.desk import Desk
from tests.console.test_alarms_page import outage, rows_of, words

pytestmark = pytest.mark.django_db
WORDS = "网关 甲：3 路离线"


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def cameras(office: Organisation, other_company: Organisation) -> list[Camera]:
    """Two of the company, one of another."""
    return [stand(office, 1), stand(office, 3), stand(other_company, 5)]


@pytest.fixture
def incident(company: Organisation, cameras: list[Camera]) -> Incident:
    found = outage(company, cameras, kind=IncidentKind.GATEWAY, subject="1", name="网关 甲")
    Alarm.objects.update(title=WORDS, message="共 3 路中的 3 路")
    IncidentCamera.objects.update(since=EVENT)
    return found


def test_staff_of_each_company_see_it_and_count_their_own_cameras(
    incident: Incident, cameras: list[Camera], desk: Desk, other_desk: Desk
) -> None:
    assert incident.alarm
    assert WORDS in desk.page("alarms")
    page = other_desk.page("alarms")
    assert "网关 甲：1 路离线" in page and WORDS not in page and "共 3 路" not in page
    assert other_desk.json("alarm_counts")["open"] == other_desk.json("state")["alarms"]["open"] == 1
    look = other_desk.page("alarm_look", incident.alarm.pk)
    assert len(rows_of(look, "member", "</li>")) == 1
    assert "网关 甲：1 路离线" in look and "另有" not in look and "不能确认这条告警" in look
    page = other_desk.page("incident", incident.pk)
    assert words(page.split('data-testid="sums"')[1].split("</dl>")[0]).startswith("现在离线 1 先后涉及 1 开始")
    assert cameras[0].stake not in page
    (told,) = other_desk.json("state")["running"]["incidents"]
    assert told["cameras"] == 1


def test_whoever_watches_none_of_its_cameras_does_not_see_it(
    incident: Incident, cameras: list[Camera], other_company: Organisation, other_desk: Desk
) -> None:
    assert incident.alarm
    CameraException.objects.create(
        camera=cameras[2], organisation=other_company, user=other_desk.user, action="watch", is_denied=True
    )
    assert other_desk.get("alarm_look", incident.alarm.pk).status_code == 404
    assert other_desk.get("incident", incident.pk).status_code == 404
    assert not incidents_visible_to(other_desk.user).exists()


def test_a_road_of_another_company_stays_theirs(incident: Incident, other_desk: Desk) -> None:
    Incident.objects.update(kind=IncidentKind.ROAD)
    assert "网关 甲" not in other_desk.page("alarms")


def test_a_case_finds_the_alarm_by_the_camera(incident: Incident, cameras: list[Camera], outsider: User) -> None:
    case = list(entries_of(begin(cameras[2])))
    assert [alarm.title for alarm in alarms(outsider, case)] == ["网关 甲：1 路离线"]
    everybody = User(is_active=True, is_superuser=True)
    assert [alarm.title for alarm in alarms(everybody, case)] == [WORDS]
    # It was over before, or the camera was no part of it.
    IncidentCamera.objects.filter(camera=cameras[2]).update(since=EVENT.replace(hour=0), left_at=EVENT.replace(hour=1))
    assert alarms(everybody, case) == []


def test_words_put_right_are_not_kept_and_cost_the_same(
    incident: Incident, company: Organisation, other_company: Organisation, other_desk: Desk
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            other_desk.page("alarms")
        return len(found)

    asked()
    first = asked()
    for number in range(10, 14):
        outage(company, [stand(other_company, 2 * number + 1)], kind=IncidentKind.GATEWAY, subject=f"{number}")
    assert asked() == first
    assert Alarm.objects.filter(title=WORDS).count() == 1


def test_when_it_is_over_they_are_told_of_all_it_took(incident: Incident, other_desk: Desk) -> None:
    IncidentCamera.objects.update(left_at=NOW)
    Alarm.objects.update(closed_at=NOW)
    assert "网关 甲：1 路离线" in other_desk.page("alarms", state="ended")


def test_it_may_go_on_for_others_alone(incident: Incident, cameras: list[Camera], other_desk: Desk) -> None:
    IncidentCamera.objects.filter(camera=cameras[2]).update(left_at=NOW)
    assert "网关 甲：1 路已恢复" in other_desk.page("alarms")
    assert other_desk.json("state")["running"]["incidents"] == []


def test_a_monitor_of_one_office_is_told_as_before(incident: Incident, office: Organisation) -> None:
    own = Desk(create_staff(username="he", password=PASSWORD, role=Role.MONITOR, organisation=office))
    assert WORDS in own.page("alarms")
