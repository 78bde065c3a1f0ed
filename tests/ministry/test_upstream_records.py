"""Upper platforms by command and admin page."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from access.models import Alarm, BehaviourLog, User
from ministry.models import CameraDelivery, UpperPlatform
from tests.ministry.upper import only_platform, sync
from tests.mock_ministry.running import PRIVATE_KEY
from tests.protocol.peer import Peer, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


class TestRecords:
    def test_add_upstream_brings_the_record_up_to_date(self, odd: Peer) -> None:
        UpperPlatform.objects.update(failures=9, retry_at=NOON)
        call_command(
            "add_upstream",
            *("--name", "邻省", "--base-url", f"{odd.base_url}/", "--user", "u2"),
            *("--device-code", "eA==", "--token", "t-9", "--private-key", PRIVATE_KEY),
        )
        platform = only_platform()
        assert (platform.base_url, platform.user, platform.token) == (odd.base_url, "u2", "t-9")
        assert (platform.failures, platform.retry_at) == (0, None)
        verbs = BehaviourLog.objects.filter(object_kind="upper_platform").order_by("id")
        assert [row.verb for row in verbs] == ["新增上级平台", "修改上级平台"]

    def test_on_the_server_it_moves_with_the_token_it_has(self, odd: Peer) -> None:
        UpperPlatform.objects.update(token="t-7", token_at=NOON)
        moved = ("--base-url", "https://10.2.0.9", "--user", "u2", "--device-code", "eA==")
        call_command("add_upstream", "--name", "邻省", *moved)
        platform = only_platform()
        assert (platform.base_url, platform.token, platform.token_at) == ("https://10.2.0.9", "t-7", NOON)
        assert platform.private_key == PRIVATE_KEY

    @pytest.mark.parametrize(
        ("option", "value", "said"),
        [
            ("--private-key", "12", "SM2 私钥"),
            ("--base-url", "ministry.example", "地址"),
            ("--token", "", "--token"),
        ],
    )
    def test_add_upstream_refuses_what_cannot_work(
        self, db: None, option: str, value: str, said: str
    ) -> None:
        given = {
            "--name": "部",
            "--base-url": "https://a",
            "--user": "u",
            "--device-code": "eA==",
            "--token": "t",
            "--private-key": PRIVATE_KEY,
            option: value,
        }
        with pytest.raises(CommandError, match=said):
            call_command("add_upstream", *[part for pair in given.items() for part in pair])
        assert not UpperPlatform.objects.exists()

    def test_removing_it_closes_its_alarm(self, odd: Peer) -> None:
        odd.respond = lambda _: reply(403)
        sync()
        assert Alarm.objects.filter(closed_at=None).exists()
        call_command("add_upstream", "--name", "邻省", "--remove")
        assert not UpperPlatform.objects.exists()
        assert not Alarm.objects.filter(closed_at=None).exists()
        with pytest.raises(CommandError, match="没有名为"):
            call_command("add_upstream", "--name", "邻省", "--remove")

    def test_the_admin_shows_no_secret_and_keeps_what_is_left_empty(self, odd: Peer, superuser: User) -> None:
        client = Client()
        client.force_login(superuser)
        platform = only_platform()
        url = reverse("admin:ministry_upperplatform_change", args=[platform.pk])
        page = client.get(url).content.decode()
        assert "t-1" not in page
        assert PRIVATE_KEY not in page
        form = {
            "name": "邻省",
            "base_url": odd.base_url,
            "user": "province",
            "device_code": "cHJvdmluY2U=",
            "token": "",
            "private_key": "",
            "organisation": platform.organisation_id,
            "concurrency": 1,
            "requests_per_second": 0,
            "quality_digits": 9,
            "is_active": "on",
        }
        assert client.post(url, form).status_code == 302
        assert (only_platform().token, only_platform().private_key) == ("t-1", PRIVATE_KEY)
        sync()
        delete = reverse("admin:ministry_upperplatform_delete", args=[platform.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 302
        assert not CameraDelivery.objects.exists()
