"""Who sees which cameras, and the search line."""

import pytest
from django.db.models import Q

from access.choices import Action, Role
from access.models import Organisation, User
from access.services.staff import create_staff
from cameras.choices import OnlineStatus
from cameras.models import Camera
from cameras.selectors import StatusCounts, cameras_visible_to, count_statuses, find_camera, search_cameras
from cameras.services.status import set_stream_presence
from protocol.errors import NotFoundError
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import PASSWORD, Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger(gateway_partner: Caller, other_gateway: Caller) -> None:
    """1 to 3 on G2 and 4 on S26 at the company of the operator, 5 at the other one."""
    register(
        gateway_partner,
        wire(1, pileNum="K401+300", cameraName="G2 黄河大桥 上行"),
        wire(2, pileNum="K403+000", cameraOrientation=1, cameraName="G2 长清隧道"),
        wire(3, pileNum="K420+000", roadSec="泰安管理处"),
        wire(4, road="S26", pileNum="K401+000"),
    )
    register(other_gateway, wire(5, department="齐鲁交通", roadSec="潍坊管理处", road="G2&G20"))


def numbers(cameras: object) -> list[int]:
    assert hasattr(cameras, "__iter__")
    return [int(found.number[-12:]) for found in cameras]


@pytest.mark.usefixtures("ledger")
class TestVisibility:
    def test_staff_see_their_subtree(self, operator: User, outsider: User, superuser: User) -> None:
        assert set(numbers(cameras_visible_to(operator))) == {1, 2, 3, 4}
        assert set(numbers(cameras_visible_to(outsider))) == {5}
        assert set(numbers(cameras_visible_to(superuser))) == {1, 2, 3, 4, 5}

    def test_what_the_role_does_not_allow_is_not_there(self, operator: User, office: Organisation) -> None:
        assert not cameras_visible_to(operator, Action.LEDGER).exists()
        monitor = create_staff(username="sun", password=PASSWORD, role=Role.MONITOR, organisation=office)
        assert set(numbers(cameras_visible_to(monitor))) == {1, 2, 4}
        assert not cameras_visible_to(monitor, Action.PTZ).exists()

    def test_deleted_and_pending_cameras_are_not_there(self, operator: User, gateway_partner: Caller) -> None:
        gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
        Camera.objects.filter(number_key=number(2)).update(is_pending=True)
        assert set(numbers(cameras_visible_to(operator))) == {3, 4}

    def test_a_partner_finds_cameras_of_its_subtree(self, ministry: Caller, gateway_partner: Caller) -> None:
        assert find_camera(ministry.partner, number(5).upper()) == camera(5)
        assert find_camera(ministry.partner, number(5), "齐鲁交通") == camera(5)
        with pytest.raises(NotFoundError):
            find_camera(gateway_partner.partner, number(5))
        with pytest.raises(NotFoundError):
            find_camera(ministry.partner, number(5), "山东高速")

    def test_counts_by_raw_status(self, operator: User) -> None:
        set_stream_presence(present=[camera(1).pk, camera(3).pk])
        counts = count_statuses(cameras_visible_to(operator))
        # Of the other two nothing was heard yet, which is not the same as offline.
        assert counts == StatusCounts(total=4, online=2, offline=0, fault=0, unknown=2)
        set_stream_presence(absent=[camera(1).pk])
        counts = count_statuses(cameras_visible_to(operator))
        assert counts == StatusCounts(total=4, online=1, offline=1, fault=0, unknown=2)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("黄河", [1]),
        ("G2", [1, 2, 3]),
        ("g2 k401", [1, 2]),
        ("K402+9", [2, 1, 4]),
        ("401+3", [1, 4, 2]),
        ("G2 隧道", [2]),
        ("泰安", [3]),
        (number(4)[:20], [1, 2, 3, 4]),
        ("S26 K401", [4]),
        ("K4", [4, 1, 2, 3]),
        ("G2 K40", [1, 2]),
        ("K42", [3]),
        ("K4+3", []),
        ("K0", []),
        ("100%", []),
        ("", []),
        ("   ", []),
    ],
)
def test_the_search_line(operator: User, text: str, found: list[int]) -> None:
    assert numbers(search_cameras(operator, text)) == found


@pytest.mark.usefixtures("ledger")
def test_a_status_is_asked_for_before_the_limit(operator: User) -> None:
    set_stream_presence(present=[camera(3).pk])
    assert numbers(search_cameras(operator, "G2", limit=1, statuses=Q(raw_status=OnlineStatus.ONLINE))) == [3]
    assert numbers(search_cameras(operator, "K401", limit=1, statuses=Q(raw_status=OnlineStatus.ONLINE))) == []


@pytest.mark.usefixtures("ledger")
def test_a_search_is_cut_at_its_limit(operator: User) -> None:
    assert len(search_cameras(operator, "G2", limit=2)) == 2
