import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("cameras", "0001_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="PtzLease",
            fields=[
                (
                    "camera",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="ptz_lease",
                        serialize=False,
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
                ("level", models.SmallIntegerField(choices=[(1, "部级"), (2, "省级")], verbose_name="级别")),
                (
                    "holder_kind",
                    models.CharField(
                        choices=[("staff", "用户"), ("partner", "接入方"), ("system", "系统")],
                        max_length=8,
                        verbose_name="控制方类别",
                    ),
                ),
                ("holder_id", models.BigIntegerField(null=True, verbose_name="控制方编号")),
                ("holder_name", models.CharField(max_length=80, verbose_name="控制方")),
                ("held_until", models.DateTimeField(verbose_name="控制到")),
                ("is_head_moving", models.BooleanField(default=False, verbose_name="云台运动")),
                ("is_lens_moving", models.BooleanField(default=False, verbose_name="镜头运动")),
                ("stop_due_at", models.DateTimeField(blank=True, null=True, verbose_name="停止时刻")),
                ("stop_until", models.DateTimeField(blank=True, null=True, verbose_name="停止尝试截止")),
                ("stop_attempts", models.PositiveSmallIntegerField(default=0, verbose_name="停止尝试")),
            ],
            options={
                "verbose_name": "云台控制权",
                "verbose_name_plural": "云台控制权",
                "indexes": [
                    models.Index(
                        condition=models.Q(("stop_due_at__isnull", False)),
                        fields=["stop_due_at"],
                        name="ptz_stop_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PtzOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="时间")),
                ("level", models.SmallIntegerField(choices=[(1, "部级"), (2, "省级")], verbose_name="级别")),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[("staff", "用户"), ("partner", "接入方"), ("system", "系统")],
                        max_length=8,
                        verbose_name="操作者类别",
                    ),
                ),
                ("actor_id", models.BigIntegerField(null=True, verbose_name="操作者编号")),
                ("actor_name", models.CharField(max_length=80, verbose_name="操作者")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="来源地址")),
                (
                    "action",
                    models.SmallIntegerField(
                        choices=[
                            (0, "停止"),
                            (1, "向左"),
                            (2, "向右"),
                            (3, "向上"),
                            (4, "向下"),
                            (5, "变倍短"),
                            (6, "变倍长"),
                            (7, "聚焦近"),
                            (8, "聚焦远"),
                            (9, "光圈小"),
                            (10, "光圈大"),
                            (11, "灯光关"),
                            (12, "灯光开"),
                            (13, "镜头停止"),
                            (14, "复位"),
                        ],
                        verbose_name="动作",
                    ),
                ),
                ("step", models.SmallIntegerField(verbose_name="步长")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "成功"),
                            ("held", "省级控制中"),
                            ("closed", "未开放"),
                            ("fixed", "不可控"),
                            ("refused", "网关拒绝"),
                            ("timeout", "网关无应答"),
                        ],
                        max_length=8,
                        verbose_name="结果",
                    ),
                ),
                ("message", models.CharField(blank=True, max_length=200, verbose_name="说明")),
                ("duration_ms", models.PositiveIntegerField(default=0, verbose_name="用时（毫秒）")),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ptz_orders",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
            ],
            options={
                "verbose_name": "云台日志",
                "verbose_name_plural": "云台日志",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["camera", "-id"], name="ptz_order_camera")],
            },
        ),
    ]
