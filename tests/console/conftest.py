from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, sync_playwright

from access.choices import Role
from access.models import Organisation, User
from access.services.staff import create_staff
from cameras.choices import Classify, Orientation
from cameras.models import Camera
from ministry.models import UpperPlatform
from streaming.choices import MediaKind
from streaming.models import MediaServer
from tests.cast import PASSWORD
from tests.console.desk import Desk
from tests.console.uplink import NOON
from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path
from tests.mock_ministry.running import PRIVATE_KEY, RunningMinistry
from tests.ptz.ledger import make_camera


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, begun once for the tests of a module."""
    # Playwright runs a loop in this thread, in which the tests ask the database.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def media_server(db: None) -> MediaServer:
    return MediaServer.objects.create(
        name="embedded",
        kind=MediaKind.EMBEDDED,
        rtmp_url="rtmp://10.0.0.5:1935",
        http_url="http://10.0.0.5:8080",
    )


@pytest.fixture
def camera(office: Organisation) -> Camera:
    """A dome at K1100+001, up the road, with a stream."""
    return make_camera(office, 1)


@pytest.fixture
def gantry(office: Organisation) -> Camera:
    """Down the road at K1100+300."""
    return make_camera(office, 300, classify=Classify.ETC_GANTRY, orientation=Orientation.DOWN)


@pytest.fixture
def desk(operator: User) -> Desk:
    """The operator of the company, signed in."""
    return Desk(operator)


@pytest.fixture
def other_desk(outsider: User) -> Desk:
    """The same role at the other company."""
    return Desk(outsider)


@pytest.fixture
def monitor_desk(company: Organisation) -> Desk:
    """Watches the company's cameras, turns none."""
    return Desk(
        create_staff(
            username="sun", password=PASSWORD, full_name="孙工", role=Role.MONITOR, organisation=company
        )
    )


@pytest.fixture
def keeper(company: Organisation, office: Organisation) -> Desk:
    """路段管理员 of the company: keeps its ledger, and no other."""
    role = Role.SECTION_ADMIN
    user = create_staff(username="feng", password=PASSWORD, full_name="冯工", role=role, organisation=company)
    return Desk(user)


@pytest.fixture
def auditor_desk(province: Organisation) -> Desk:
    """Reads logs, watches nothing."""
    return Desk(
        create_staff(
            username="qian", password=PASSWORD, full_name="钱工", role=Role.AUDITOR, organisation=province
        )
    )


@pytest.fixture
def admin_desk(province_admin: User) -> Desk:
    return Desk(province_admin)


@pytest.fixture
def company_desk(company: Organisation) -> Desk:
    """Administers the first company, and nothing beyond it."""
    role = Role.PROVINCE_ADMIN
    user = create_staff(username="feng", password=PASSWORD, full_name="冯工", role=role, organisation=company)
    return Desk(user)


@pytest.fixture
def neighbour_desk(other_company: Organisation) -> Desk:
    """May do everything, but only at the other company."""
    role = Role.PROVINCE_ADMIN
    user = create_staff(
        username="zhou", password=PASSWORD, full_name="周工", role=role, organisation=other_company
    )
    return Desk(user)


@pytest.fixture
def platform(province: Organisation) -> UpperPlatform:
    """Well, and heard a moment ago."""
    return UpperPlatform.objects.create(
        name="部级平台",
        base_url="http://127.0.0.1:9",
        user="province",
        device_code="Y29kZQ==",
        token="secret-token",
        private_key=PRIVATE_KEY,
        organisation=province,
        last_success_at=NOON - timedelta(seconds=4),
    )


@pytest.fixture
def upper() -> Iterator[RunningMinistry]:
    with RunningMinistry() as running:
        yield running
