from typing import Any

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    name = "streaming"
    verbose_name = "视频上云"

    def ready(self) -> None:
        from access import signals
        from streaming import checks  # noqa: F401 - registers them

        signals.signed_out.connect(_hear_signed_out, dispatch_uid="streaming.signed_out")
        signals.tokens_revoked.connect(_hear_tokens_revoked, dispatch_uid="streaming.tokens_revoked")


def _hear_signed_out(**told: Any) -> None:
    # Models of other apps are not there yet when this module is read.
    from streaming.services.withdrawal import signed_out

    signed_out(**told)


def _hear_tokens_revoked(**told: Any) -> None:
    from streaming.services.withdrawal import tokens_revoked

    tokens_revoked(**told)
