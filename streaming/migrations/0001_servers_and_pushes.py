import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("cameras", "0001_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="MediaServer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=32, unique=True, verbose_name="名称")),
                (
                    "kind",
                    models.CharField(
                        choices=[("embedded", "内置"), ("zlm", "ZLMediaKit"), ("srs", "SRS")],
                        max_length=8,
                        verbose_name="类型",
                    ),
                ),
                (
                    "rtmp_url",
                    models.CharField(
                        help_text="形如 rtmp://10.0.0.5:1935", max_length=200, verbose_name="推流地址"
                    ),
                ),
                (
                    "http_url",
                    models.CharField(
                        help_text="形如 https://live.example.cn", max_length=200, verbose_name="播放地址"
                    ),
                ),
                (
                    "api_url",
                    models.CharField(
                        blank=True, help_text="为空则与播放地址相同", max_length=200, verbose_name="管理接口"
                    ),
                ),
                ("secret", models.CharField(blank=True, max_length=128, verbose_name="密钥")),
                ("is_active", models.BooleanField(default=True, verbose_name="启用")),
                (
                    "last_seen_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="最近应答"),
                ),
                (
                    "last_error",
                    models.CharField(blank=True, editable=False, max_length=200, verbose_name="最近错误"),
                ),
                (
                    "silent_since",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="无应答自"),
                ),
            ],
            options={
                "verbose_name": "媒体服务器",
                "verbose_name_plural": "媒体服务器",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="PushSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "video_type",
                    models.SmallIntegerField(choices=[(0, "低码流"), (1, "高码流")], verbose_name="码流"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("idle", "未推流"),
                            ("ordered", "已下发"),
                            ("live", "推流中"),
                            ("failed", "失败"),
                        ],
                        default="idle",
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("is_wanted", models.BooleanField(default=False, verbose_name="需要")),
                ("ordered_at", models.DateTimeField(blank=True, null=True, verbose_name="下发时间")),
                ("live_at", models.DateTimeField(blank=True, null=True, verbose_name="开始时间")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="结束时间")),
                ("needed_at", models.DateTimeField(blank=True, null=True, verbose_name="最近需要")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="连续尝试")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True, verbose_name="下次尝试")),
                ("claimed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_code", models.IntegerField(blank=True, null=True, verbose_name="网关返回码")),
                ("last_error", models.CharField(blank=True, max_length=200, verbose_name="最近错误")),
                ("codec", models.CharField(blank=True, max_length=16, verbose_name="编码")),
                ("width", models.PositiveIntegerField(blank=True, null=True, verbose_name="宽")),
                ("height", models.PositiveIntegerField(blank=True, null=True, verbose_name="高")),
                (
                    "bitrate_kbps",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="码率 kbit/s"),
                ),
                ("viewers", models.PositiveIntegerField(default=0, verbose_name="观看数")),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="push_sessions",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
                (
                    "media_server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="push_sessions",
                        to="streaming.mediaserver",
                        verbose_name="媒体服务器",
                    ),
                ),
            ],
            options={
                "verbose_name": "推流会话",
                "verbose_name_plural": "推流会话",
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_wanted", True), models.Q(("state", "live"), _negated=True)),
                        fields=["next_attempt_at"],
                        name="push_session_due",
                    ),
                    models.Index(
                        condition=models.Q(("is_wanted", False), models.Q(("state", "idle"), _negated=True)),
                        fields=["state"],
                        name="push_session_unwanted",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("camera", "video_type"), name="push_session_unique")
                ],
            },
        ),
    ]
