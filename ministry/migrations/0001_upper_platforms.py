import django.db.models.deletion
from django.db import migrations, models

import access.encryption


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_initial"),
        ("cameras", "0001_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="UpperPlatform",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, unique=True, verbose_name="名称")),
                ("base_url", models.CharField(max_length=200, verbose_name="地址")),
                ("user", models.CharField(max_length=64, verbose_name="用户名")),
                ("device_code", models.CharField(max_length=128, verbose_name="平台编号（BASE64）")),
                ("token", access.encryption.EncryptedTextField(verbose_name="当前令牌")),
                ("private_key", access.encryption.EncryptedTextField(verbose_name="SM2 私钥")),
                ("ca_file", models.CharField(blank=True, max_length=200, verbose_name="CA 证书文件")),
                ("is_active", models.BooleanField(default=True, verbose_name="启用")),
                (
                    "token_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="令牌更新时间"),
                ),
                (
                    "last_success_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="最近成功"),
                ),
                (
                    "last_error",
                    models.CharField(blank=True, editable=False, max_length=300, verbose_name="最近错误"),
                ),
                ("failures", models.PositiveIntegerField(default=0, editable=False, verbose_name="连续失败")),
                (
                    "retry_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="下次尝试"),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="upper_platforms",
                        to="access.organisation",
                        verbose_name="上报范围",
                    ),
                ),
            ],
            options={
                "verbose_name": "上级平台",
                "verbose_name_plural": "上级平台",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="CameraDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=0, verbose_name="已确认版本")),
                ("is_in_doubt", models.BooleanField(default=False, verbose_name="结果未知")),
                ("department", models.CharField(blank=True, max_length=64, verbose_name="已确认单位")),
                ("status", models.SmallIntegerField(null=True, verbose_name="已确认状态")),
                ("status_at", models.DateTimeField(null=True, verbose_name="状态确认时间")),
                ("status_retry_at", models.DateTimeField(null=True, verbose_name="状态下次尝试")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="连续失败")),
                ("next_attempt_at", models.DateTimeField(null=True, verbose_name="下次尝试")),
                ("last_error", models.CharField(blank=True, max_length=200, verbose_name="最近错误")),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
                (
                    "platform",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="ministry.upperplatform",
                        verbose_name="上级平台",
                    ),
                ),
            ],
            options={
                "verbose_name": "上报确认",
                "verbose_name_plural": "上报确认",
                "indexes": [models.Index(fields=["platform", "status_at"], name="camera_delivery_status")],
                "constraints": [
                    models.UniqueConstraint(fields=("platform", "camera"), name="camera_delivery_unique")
                ],
            },
        ),
    ]
