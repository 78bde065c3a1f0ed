"""Play domains from the command line and the admin: registered, proven, put to use, taken away."""

import io
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.models import BehaviourLog
from cameras.models import Gateway
from cameras.services.status import set_stream_presence
from streaming.choices import SignerKind
from streaming.management.commands import check_play_domain
from streaming.models import MediaServer, PlayDomain
from streaming.services.commissioning import Finding
from streaming.services.domains import add_play_domain, keep_findings
from tests.cameras.ledger import camera
from tests.protocol.peer import Peer, Reply
from tests.streaming.edge import VIDEO, Edge
from tests.streaming.roadside import MediaDouble

pytestmark = pytest.mark.django_db

KEY, CDN = "provincekey1234", "https://play.example.cn"
NEW = ("--name", "cdn", "--base-url", CDN + "/", "--signer", "huawei_d", "--key", KEY)
GOOD, BAD = Finding("能播放", True, "首字节 8 ms"), Finding("到时失效", False, "可播放")


def add(*given: str) -> str:
    said = io.StringIO()
    call_command("add_play_domain", *given, stdout=said)
    return said.getvalue()


def made() -> PlayDomain:
    return PlayDomain.objects.get(name="cdn")


def prove(*findings: Finding) -> None:
    keep_findings(domain=made(), findings=findings or [GOOD], actor=SYSTEM)


class TestAdd:
    def test_one_is_registered_and_not_yet_in_use(self, server: MediaServer) -> None:
        assert "未启用" in add(*NEW, "--validity", "60", "--media-server", server.name)
        domain = made()
        assert (domain.base_url, domain.validity_seconds, domain.media_server) == (CDN, 60, server)
        assert (domain.is_active, domain.is_for_partners, domain.is_for_staff) == (False, True, False)

    def test_what_is_not_given_stays(self, server: MediaServer) -> None:
        add(*NEW, "--backup-key", "reserve", "--validity", "60", "--media-server", server.name, "--for-staff")
        add("--name", "cdn", "--no-for-partners")
        domain = made()
        assert (domain.key, domain.backup_key, domain.validity_seconds) == (KEY, "reserve", 60)
        assert (domain.media_server, domain.is_for_staff, domain.is_for_partners) == (server, True, False)
        add("--name", "cdn", "--media-server", "", "--no-for-staff")
        assert (made().media_server, made().is_for_staff) == (None, False)

    def test_keys_need_not_stand_in_the_list_of_processes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("first\nsecond\n"))
        add("--name", "cdn", "--base-url", CDN, "--signer", "tencent", "--key", "-", "--backup-key", "-")
        assert (made().key, made().backup_key) == ("first", "second")

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            (("--name", "x", "--signer", "tencent"), "须给出 --base-url 与 --signer"),
            (("--name", "x", "--base-url", CDN, "--signer", "tencent"), "缺少签名所用的密钥"),
            ((*NEW, "--media-server", "nobody"), "没有名为 nobody 的媒体服务器"),
        ],
    )
    def test_what_cannot_be(self, given: tuple[str, ...], why: str) -> None:
        with pytest.raises(CommandError, match=why):
            add(*given)
        assert not PlayDomain.objects.exists()


class TestUse:
    def test_only_what_was_proven_is_put_to_use(self) -> None:
        with pytest.raises(CommandError, match="请先用 check_play_domain 验收通过"):
            add(*NEW, "--active")
        assert not made().is_active
        prove(GOOD, BAD)
        with pytest.raises(CommandError, match="未启用"):
            add("--name", "cdn", "--active")
        prove()
        assert "已启用" in add("--name", "cdn", "--active")
        assert made().is_proven
        assert "未启用" in add("--name", "cdn", "--no-active")

    def test_a_change_has_to_be_proven_again(self) -> None:
        add(*NEW)
        prove()
        add("--name", "cdn", "--for-staff", "--backup-key", "")
        assert made().is_proven
        with pytest.raises(CommandError, match="未启用"):
            add("--name", "cdn", "--key", "another", "--active")
        assert (made().key, made().checked_at, made().findings) == ("another", None, [])

    def test_who_knows_better_may(self) -> None:
        assert "已启用" in add(*NEW, "--active", "--without-check")


class TestCheck:
    @pytest.fixture
    def clock(self, gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
        time_machine.move_to(datetime(2026, 11, 22, 4, 0, tzinfo=UTC), tick=False)
        set_stream_presence(present=[camera(1).pk])
        return time_machine

    @pytest.fixture
    def edge(self, media: MediaDouble) -> Peer:
        add_play_domain(
            name="cdn", actor=SYSTEM, signer=SignerKind.TENCENT, base_url=media.peer.base_url, key=KEY
        )
        return media.peer

    def check(self, clock: TimeMachineFixture) -> list[str]:
        said = io.StringIO()
        try:
            call_command(check_play_domain.Command(wait=clock.shift), "cdn", stdout=said)
        finally:
            self.said = said.getvalue().splitlines()
        return self.said

    def test_it_prints_what_it_found_and_keeps_it(self, edge: Peer, clock: TimeMachineFixture) -> None:
        edge.respond = Edge("tencent", KEY).respond
        lines = self.check(clock)
        assert len(lines) == 5
        assert all(line.startswith("通过  ") for line in lines)
        assert made().is_proven
        assert [one["title"] for one in made().findings][-1] == "HLS 能播放"
        log = BehaviourLog.objects.filter(verb="验收播放域名").get()
        assert (log.object_name, log.detail) == ("cdn", {"不符": []})

    def test_it_fails_when_something_is_bad(self, edge: Peer, clock: TimeMachineFixture) -> None:
        bad = Edge("tencent", KEY)
        bad.refusal = Reply(VIDEO)
        edge.respond = bad.respond
        with pytest.raises(CommandError, match="3 项不符，请勿启用该域名"):
            self.check(clock)
        assert [line[:2] for line in self.said] == ["通过", "不符", "不符", "不符", "通过"]
        assert not made().is_proven
        assert made().checked_at == datetime(2026, 11, 22, 4, 0, 8, tzinfo=UTC)


class TestAdmin:
    def delete(self, client: Client, kind: str, row: Any) -> None:
        answer = client.post(f"/admin/streaming/{kind}/{row.pk}/delete/", {"post": "yes"})
        assert answer.status_code == 302

    def logged(self) -> list[tuple[str, str]]:
        rows = BehaviourLog.objects.filter(verb__startswith="删除").order_by("pk")
        return list(rows.values_list("verb", "object_name"))

    def test_the_last_commissioning_is_shown(self, admin_client: Client) -> None:
        add(*NEW)
        page = f"/admin/streaming/playdomain/{made().pk}/change/"
        assert "未验收" in admin_client.get(page).content.decode()
        prove(GOOD, BAD)
        for place in (page, "/admin/streaming/playdomain/"):
            assert "到时失效：可播放" in admin_client.get(place).content.decode()

    def test_a_deleted_domain_leaves_a_row(self, admin_client: Client) -> None:
        add(*NEW)
        self.delete(admin_client, "playdomain", made())
        assert self.logged() == [("删除播放域名", "cdn")]

    def test_a_deleted_server_takes_its_domains_along(
        self, admin_client: Client, server: MediaServer
    ) -> None:
        add(*NEW, "--media-server", server.name)
        self.delete(admin_client, "mediaserver", server)
        assert self.logged() == [("删除播放域名", "cdn"), ("删除媒体服务器", server.name)]
        assert not PlayDomain.objects.exists()

    def test_many_at_once_leave_a_row_each(self, admin_client: Client, server: MediaServer) -> None:
        add(*NEW, "--media-server", server.name)
        chosen = {"action": "delete_selected", "post": "yes"}
        for kind, row in (("playdomain", made()), ("mediaserver", server)):
            admin_client.post(f"/admin/streaming/{kind}/", {**chosen, "_selected_action": row.pk})
        assert self.logged() == [("删除播放域名", "cdn"), ("删除媒体服务器", server.name)]
