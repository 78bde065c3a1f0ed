"""The chain over the behaviour log: blocks of rows, each sealed with the one before, and their anchors outside."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class LogBlock(models.Model):
    """The seal over all rows of the behaviour log with ids from `first_id` to `last_id`."""

    # Without a gap: a block that is missing is missed.
    number = models.BigIntegerField("序号", primary_key=True)
    first_id = models.BigIntegerField("起始编号")
    last_id = models.BigIntegerField("结束编号")
    rows = models.PositiveIntegerField("行数")
    # Of each row its id (8 bytes) and its HMAC-SM3 (16 bytes), so that a change is found to the row.
    entries = models.BinaryField("逐行摘要")
    newest_at = models.DateTimeField("最新一行")
    sealed_at = models.DateTimeField("封存时间")
    key_name = models.CharField("密钥", max_length=8)
    # HMAC-SM3 over all of the above and the digest of the block before; hex.
    digest = models.CharField("摘要", max_length=64)

    class Meta:
        verbose_name = verbose_name_plural = "日志封存块"
        ordering = ["number"]
        # Which block a row is in; which blocks are old enough to go.
        indexes = [
            models.Index(fields=["last_id"], name="log_block_last_id"),
            models.Index(fields=["newest_at"], name="log_block_newest_at"),
        ]

    def __str__(self) -> str:
        return f"{self.number}"


class LogAnchor(models.Model):
    """The head of the chain as it was told to places outside this database, once."""

    at = models.DateTimeField("时间")
    number = models.BigIntegerField("封存块")
    digest = models.CharField("摘要", max_length=64)
    places = ArrayField(models.CharField(max_length=200), default=list, verbose_name="写入")

    class Meta:
        verbose_name = verbose_name_plural = "日志锚点"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.number}"
