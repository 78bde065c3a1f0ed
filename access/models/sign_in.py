"""What signing in leaves behind: passwords that were set, second factors, browsers that are signed in."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.crypto import salted_hmac

from access.encryption import EncryptedTextField


class PasswordRecord(models.Model):
    """One password of a person, the newest being the present one; as hashed as in the user's own row."""

    user = models.ForeignKey("access.User", models.CASCADE, related_name="+", verbose_name="用户")
    password = models.CharField("密码摘要", max_length=128)
    set_at = models.DateTimeField("设置时间")
    # False: set by an administrator or a command, so that somebody else knows it.
    is_own = models.BooleanField("本人设置", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "密码记录"
        ordering = ["-id"]
        # The newest few of a person.
        indexes = [models.Index(fields=["user", "-id"], name="password_record_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.set_at:%Y-%m-%d}"


class SecondFactor(models.Model):
    """The authenticator of one person; it counts once a code of it was given."""

    user = models.OneToOneField(
        "access.User", models.CASCADE, related_name="second_factor", verbose_name="用户"
    )
    secret = EncryptedTextField("密钥")
    created_at = models.DateTimeField("建立时间", auto_now_add=True)
    confirmed_at = models.DateTimeField("启用时间", null=True)
    # Codes of this period of 30 seconds and of earlier ones are used up.
    last_step = models.BigIntegerField("最近时间步", default=0)
    # SM3 of the codes that are left; 80 random bits each cannot be guessed from it.
    recovery_digests = ArrayField(models.CharField(max_length=64), default=list, verbose_name="未用的恢复码")

    class Meta:
        verbose_name = verbose_name_plural = "动态口令"

    def __str__(self) -> str:
        return str(self.user)


class StaffSession(AbstractBaseSession):
    """One browser; with `user`, somebody is signed in there."""

    user = models.ForeignKey("access.User", models.CASCADE, null=True, related_name="+", verbose_name="用户")
    address = models.GenericIPAddressField("来源地址", null=True)
    agent = models.CharField("浏览器", max_length=200, blank=True)
    signed_in_at = models.DateTimeField("登录时间", null=True)
    # At most half a minute behind (console/permissions.py).
    seen_at = models.DateTimeField("最近操作", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "登录会话"

    @classmethod
    def get_session_store_class(cls) -> type:
        from access.sessions import SessionStore

        return SessionStore

    @property
    def handle(self) -> str:
        """Names the session on a page; the key itself would open it."""
        return salted_hmac("access.session", self.session_key).hexdigest()[:24]

    @property
    def last_at(self) -> datetime | None:
        return self.seen_at or self.signed_in_at
