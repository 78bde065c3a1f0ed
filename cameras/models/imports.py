"""Spreadsheets that staff hand in for the ledger."""

from django.db import models

from cameras.choices import ImportState


class LedgerImport(models.Model):
    """One uploaded sheet between its preview and its commit; of the person who uploaded it alone."""

    user = models.ForeignKey(
        "access.User", models.CASCADE, related_name="ledger_imports", verbose_name="用户"
    )
    filename = models.CharField("文件名", max_length=200)
    created_at = models.DateTimeField("上传时间", auto_now_add=True)
    judged_at = models.DateTimeField("核对时间")
    state = models.CharField(
        "状态", max_length=10, choices=ImportState.choices, default=ImportState.PREVIEWED
    )
    committed_at = models.DateTimeField("导入时间", null=True, blank=True)
    # How many rows of each kind, and what else the head of the preview says.
    summary = models.JSONField("结果", default=dict)
    # The cells as read, and what was found of each row: compressed, and dropped when no longer needed.
    cells = models.BinaryField(default=b"")
    verdicts = models.BinaryField(default=b"")
    # Of all verdicts together: the commit must come to the same ones.
    fingerprint = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "台账导入"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.filename} {self.get_state_display()}"
