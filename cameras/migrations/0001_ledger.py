import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Gateway",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=64, unique=True, verbose_name="网关编号")),
                ("name", models.CharField(blank=True, max_length=64, verbose_name="名称")),
                (
                    "base_url",
                    models.CharField(
                        blank=True,
                        help_text="形如 https://10.1.2.3:8443；为空表示只上报、不推流",
                        max_length=200,
                        verbose_name="网关地址",
                    ),
                ),
                (
                    "style",
                    models.CharField(
                        choices=[("verbs", "按接口路径"), ("single", "单一路径 sipAction")],
                        default="verbs",
                        max_length=8,
                        verbose_name="接口形式",
                    ),
                ),
                (
                    "ptz_stop",
                    models.CharField(
                        choices=[("action0", "动作 0 停止"), ("none", "每次一步，无停止")],
                        default="action0",
                        max_length=8,
                        verbose_name="云台停止",
                    ),
                ),
                ("has_port_as_string", models.BooleanField(default=False, verbose_name="端口以字符串下发")),
                ("is_review_first", models.BooleanField(default=False, verbose_name="新增点位先审核")),
                ("is_active", models.BooleanField(default=True, verbose_name="启用")),
                ("capacity", models.PositiveIntegerField(default=100, verbose_name="路数上限")),
                ("ca_file", models.CharField(blank=True, max_length=200, verbose_name="CA 证书文件")),
                (
                    "last_answer_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="最近应答"),
                ),
                (
                    "last_error",
                    models.CharField(blank=True, editable=False, max_length=200, verbose_name="最近错误"),
                ),
                (
                    "partner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gateway",
                        to="access.partner",
                        verbose_name="接入方",
                    ),
                ),
            ],
            options={
                "verbose_name": "视频上云网关",
                "verbose_name_plural": "视频上云网关",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Camera",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=64, verbose_name="摄像机编号")),
                (
                    "number_key",
                    models.CharField(editable=False, max_length=64, unique=True, verbose_name="编号索引"),
                ),
                ("name", models.CharField(max_length=128, verbose_name="名称")),
                ("longitude", models.FloatField(verbose_name="经度")),
                ("latitude", models.FloatField(verbose_name="纬度")),
                ("road", models.CharField(max_length=64, verbose_name="路线")),
                (
                    "classify",
                    models.SmallIntegerField(
                        choices=[
                            (0, "默认"),
                            (1, "道路沿线"),
                            (2, "桥梁"),
                            (3, "隧道"),
                            (4, "收费广场"),
                            (5, "收费站"),
                            (6, "服务区"),
                            (7, "ETC 门架"),
                            (8, "移动视频源"),
                        ],
                        verbose_name="位置类型",
                    ),
                ),
                (
                    "orientation",
                    models.SmallIntegerField(
                        choices=[(0, "上行"), (1, "下行"), (2, "双向")], verbose_name="方向"
                    ),
                ),
                (
                    "camera_type",
                    models.SmallIntegerField(
                        choices=[(1, "枪机"), (2, "球机"), (3, "全景"), (4, "抓拍")], verbose_name="类型"
                    ),
                ),
                ("stake", models.CharField(max_length=16, verbose_name="桩号")),
                ("stake_m", models.IntegerField(editable=False, verbose_name="桩号（米）")),
                ("area", models.CharField(max_length=6, verbose_name="行政区划")),
                ("poi_name", models.CharField(blank=True, max_length=128, verbose_name="兴趣点")),
                ("others", models.TextField(blank=True, verbose_name="其他参数")),
                (
                    "ptz_override",
                    models.BooleanField(
                        blank=True,
                        help_text="未设置：球机可控，其余不可控",
                        null=True,
                        verbose_name="云台可控",
                    ),
                ),
                ("is_pending", models.BooleanField(default=False, verbose_name="待审核")),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="版本")),
                (
                    "version_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="版本时间"
                    ),
                ),
                ("is_moved", models.BooleanField(default=False, editable=False, verbose_name="位置待上报")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="登记时间")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="修改时间")),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="删除时间"),
                ),
                (
                    "status",
                    models.SmallIntegerField(
                        choices=[(0, "离线"), (1, "在线"), (2, "故障")],
                        default=0,
                        editable=False,
                        verbose_name="状态",
                    ),
                ),
                ("status_at", models.DateTimeField(editable=False, null=True, verbose_name="状态时间")),
                (
                    "raw_status",
                    models.SmallIntegerField(
                        choices=[(0, "离线"), (1, "在线"), (2, "故障")],
                        default=0,
                        editable=False,
                        verbose_name="即时状态",
                    ),
                ),
                (
                    "raw_status_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="即时状态时间"),
                ),
                (
                    "status_reason",
                    models.CharField(blank=True, editable=False, max_length=120, verbose_name="状态说明"),
                ),
                ("has_stream", models.BooleanField(default=False, editable=False, verbose_name="有视频流")),
                (
                    "has_stream_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="视频流变化时间"),
                ),
                (
                    "reported_status",
                    models.SmallIntegerField(
                        choices=[(0, "离线"), (1, "在线"), (2, "故障")],
                        editable=False,
                        null=True,
                        verbose_name="网关上报状态",
                    ),
                ),
                (
                    "reported_since",
                    models.DateTimeField(editable=False, null=True, verbose_name="网关上报时间"),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cameras",
                        to="access.organisation",
                        verbose_name="管理处",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cameras",
                        to="access.partner",
                        verbose_name="登记方",
                    ),
                ),
                (
                    "gateway",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cameras",
                        to="cameras.gateway",
                        verbose_name="网关",
                    ),
                ),
            ],
            options={
                "verbose_name": "摄像机",
                "verbose_name_plural": "摄像机",
                "ordering": ["road", "stake_m", "orientation", "id"],
            },
        ),
        migrations.CreateModel(
            name="PtzGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ptz_grants",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ptz_grants",
                        to="access.partner",
                        verbose_name="接入方",
                    ),
                ),
            ],
            options={
                "verbose_name": "重要点位云台开放",
                "verbose_name_plural": "重要点位云台开放",
            },
        ),
        migrations.CreateModel(
            name="StatusChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                (
                    "status",
                    models.SmallIntegerField(
                        choices=[(0, "离线"), (1, "在线"), (2, "故障")], verbose_name="状态"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("stream", "视频流"), ("report", "网关上报"), ("staff", "人工")],
                        max_length=8,
                        verbose_name="来源",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=120, verbose_name="说明")),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="status_changes",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
            ],
            options={
                "verbose_name": "状态变化",
                "verbose_name_plural": "状态变化",
                "ordering": ["-at"],
            },
        ),
        migrations.AddIndex(
            model_name="camera",
            index=models.Index(fields=["organisation", "road", "stake_m"], name="camera_organisation"),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=models.Index(fields=["road", "stake_m"], name="camera_road"),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=models.Index(
                condition=models.Q(("deleted_at", None)), fields=["gateway"], name="camera_gateway"
            ),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=models.Index(
                condition=models.Q(("status", models.F("raw_status")), _negated=True),
                fields=["raw_status_at"],
                name="camera_unsettled",
            ),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=models.Index(
                condition=models.Q(("has_stream", False), ("raw_status", 1)),
                fields=["reported_since"],
                name="camera_in_grace",
            ),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=models.Index(
                condition=models.Q(("is_moved", True)), fields=["version_at"], name="camera_moved"
            ),
        ),
        migrations.AddConstraint(
            model_name="ptzgrant",
            constraint=models.UniqueConstraint(fields=("partner", "camera"), name="ptz_grant_unique"),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(fields=["camera", "-at"], name="status_change_camera"),
        ),
    ]
