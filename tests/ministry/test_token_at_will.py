"""A new token because staff want one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.actors import SYSTEM
from access.choices import Outcome
from access.models import BehaviourLog
from ministry.choices import Interface
from ministry.models import DeliveryCall, UpperPlatform
from ministry.services.token import exchange_token
from protocol.errors import RemoteError
from tests.ministry.upper import connect, only_platform
from tests.mock_ministry.running import RunningMinistry


def last_log() -> BehaviourLog:
    return BehaviourLog.objects.filter(verb="更换上级平台令牌").latest("pk")


def test_it_is_exchanged_and_what_waited_for_it_is_tried_at_once(
    platform: UpperPlatform, upper: RunningMinistry
) -> None:
    later = timezone.now() + timedelta(minutes=1)
    UpperPlatform.objects.update(failures=5, retry_at=later, last_error="令牌无效")
    exchange_token(platform=platform, actor=SYSTEM)
    current = only_platform()
    assert current.token not in ("", upper.account.first_token)
    assert current.token_at is not None
    assert (current.failures, current.retry_at, current.last_error) == (0, None, "")
    assert upper.calls()[-1]["verb"] == "TokenInfo"
    call = DeliveryCall.objects.get()
    assert (call.interface, call.code, call.count) == (Interface.TOKEN, 200, 0)
    assert last_log().outcome == Outcome.DONE


def test_a_refused_exchange_changes_nothing_and_is_logged(upper: RunningMinistry, db: None) -> None:
    platform = connect(upper, token="a-token-of-long-ago")
    later = timezone.now() + timedelta(minutes=1)
    UpperPlatform.objects.update(failures=5, retry_at=later)
    with pytest.raises(RemoteError):
        exchange_token(platform=platform, actor=SYSTEM)
    current = only_platform()
    assert (current.token, current.failures, current.retry_at) == ("a-token-of-long-ago", 5, later)
    log = last_log()
    assert (log.outcome, "403" in log.reason) == (Outcome.FAILED, True)
