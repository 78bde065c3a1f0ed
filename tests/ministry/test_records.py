"""Staff change the record of an upper platform while its token ring turns."""

import pytest

from access.actors import SYSTEM
from access.models import Organisation
from ministry.models import UpperPlatform
from ministry.services.platforms import add_upstream, save_upstream
from protocol.sm2 import generate_key_pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def platform(province: Organisation) -> UpperPlatform:
    return add_upstream(
        name="部级平台",
        base_url="https://10.1.2.3",
        user="province",
        device_code="cHJvdmluY2U=",
        token="t-1",
        private_key=generate_key_pair().private_key,
        actor=SYSTEM,
    )


def test_a_correction_does_not_bring_back_the_token_of_before(platform: UpperPlatform) -> None:
    UpperPlatform.objects.filter(pk=platform.pk).update(token="t-2")
    platform.base_url = "https://10.1.2.4"
    save_upstream(platform=platform, actor=SYSTEM, has_new_token=False)
    stored = UpperPlatform.objects.get()
    assert (stored.base_url, stored.token) == ("https://10.1.2.4", "t-2")


def test_a_token_entered_anew_is_taken(platform: UpperPlatform) -> None:
    platform.token = "t-9"
    save_upstream(platform=platform, actor=SYSTEM)
    assert UpperPlatform.objects.get().token == "t-9"
