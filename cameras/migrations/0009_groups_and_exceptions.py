import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_rights_in_time_and_duties"),
        ("cameras", "0008_wall_presets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CameraGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, verbose_name="名称")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="建立时间")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="camera_groups",
                        to="access.organisation",
                        verbose_name="所属单位",
                    ),
                ),
            ],
            options={
                "verbose_name": "摄像机组",
                "verbose_name_plural": "摄像机组",
                "ordering": ["organisation__path", "name"],
            },
        ),
        migrations.CreateModel(
            name="CameraException",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "granted_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, null=True, verbose_name="授予时间"
                    ),
                ),
                ("valid_from", models.DateTimeField(blank=True, null=True, verbose_name="生效时间")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="失效时间")),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("monitor", "值班监控员"),
                            ("ptz", "云台操作员"),
                            ("section", "路段管理员"),
                            ("province", "省中心管理员"),
                            ("auditor", "审计员"),
                            ("system", "系统管理员"),
                            ("security", "安全管理员"),
                            ("audit", "审计管理员"),
                        ],
                        max_length=16,
                        verbose_name="角色",
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("watch", "查看视频"),
                            ("snapshot", "查看截图"),
                            ("ptz", "云台控制"),
                            ("ledger", "维护台账"),
                        ],
                        max_length=16,
                        verbose_name="操作",
                    ),
                ),
                ("is_denied", models.BooleanField(verbose_name="禁止")),
                ("reason", models.CharField(blank=True, max_length=100, verbose_name="原因")),
                (
                    "camera",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exceptions",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="camera_exceptions",
                        to="access.organisation",
                        verbose_name="单位",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="camera_exceptions",
                        to="access.partner",
                        verbose_name="接入方",
                    ),
                ),
                (
                    "role_at",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="access.organisation",
                        verbose_name="角色所在单位",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="camera_exceptions",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="用户",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exceptions",
                        to="cameras.cameragroup",
                        verbose_name="摄像机组",
                    ),
                ),
            ],
            options={
                "verbose_name": "权限例外",
                "verbose_name_plural": "权限例外",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="GroupMember",
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
                        related_name="memberships",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="cameras.cameragroup",
                        verbose_name="摄像机组",
                    ),
                ),
            ],
            options={
                "verbose_name": "组内摄像机",
                "verbose_name_plural": "组内摄像机",
            },
        ),
        migrations.AddConstraint(
            model_name="cameragroup",
            constraint=models.UniqueConstraint(fields=("organisation", "name"), name="camera_group_name"),
        ),
        migrations.AddConstraint(
            model_name="cameraexception",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("camera", None), ("group__isnull", False)),
                    models.Q(("camera__isnull", False), ("group", None)),
                    _connector="OR",
                ),
                name="camera_exception_one_object",
            ),
        ),
        migrations.AddConstraint(
            model_name="cameraexception",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("partner", None), ("role", ""), ("role_at", None), ("user__isnull", False)),
                    models.Q(
                        models.Q(("role", ""), _negated=True),
                        ("partner", None),
                        ("role_at__isnull", False),
                        ("user", None),
                    ),
                    models.Q(("partner__isnull", False), ("role", ""), ("role_at", None), ("user", None)),
                    _connector="OR",
                ),
                name="camera_exception_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="cameraexception",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("partner", None), models.Q(("action", "watch"), ("is_denied", True)), _connector="OR"
                ),
                name="camera_exception_partner_hidden",
            ),
        ),
        migrations.AddConstraint(
            model_name="cameraexception",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from", None),
                    ("valid_until", None),
                    ("valid_until__gte", models.F("valid_from")),
                    _connector="OR",
                ),
                name="camera_exception_ends_after_begin",
            ),
        ),
        migrations.AddConstraint(
            model_name="groupmember",
            constraint=models.UniqueConstraint(fields=("group", "camera"), name="group_member_unique"),
        ),
    ]
