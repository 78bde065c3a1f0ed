import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

# A day is dropped as one table. Partitions are made by ministry.services.calls, day by day.
CREATE_CALL = """
CREATE SEQUENCE ministry_deliverycall_id_seq;
CREATE TABLE ministry_deliverycall (
    id bigint NOT NULL DEFAULT nextval('ministry_deliverycall_id_seq'),
    platform_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    interface smallint NOT NULL,
    verb varchar(32) NOT NULL,
    department varchar(64) NOT NULL,
    count integer NOT NULL CHECK (count >= 0),
    code integer NULL,
    duration_ms integer NOT NULL CHECK (duration_ms >= 0),
    error varchar(300) NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE ministry_deliverycall_id_seq OWNED BY ministry_deliverycall.id;
CREATE INDEX delivery_call_platform ON ministry_deliverycall (platform_id, at DESC);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cameras", "0002_fewer_indexes"),
        ("ministry", "0002_quality_and_analysis"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(CREATE_CALL, reverse_sql="DROP TABLE ministry_deliverycall;")
            ],
            state_operations=[
                migrations.CreateModel(
                    name="DeliveryCall",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("at", models.DateTimeField(verbose_name="时间")),
                        (
                            "interface",
                            models.SmallIntegerField(
                                choices=[
                                    (1, "登记与修改"),
                                    (2, "删除"),
                                    (3, "状态"),
                                    (4, "图像质量"),
                                    (5, "智能分析"),
                                    (6, "令牌"),
                                    (7, "点位查询"),
                                ],
                                verbose_name="接口",
                            ),
                        ),
                        ("verb", models.CharField(max_length=32, verbose_name="接口名")),
                        ("department", models.CharField(blank=True, max_length=64, verbose_name="单位")),
                        ("count", models.PositiveIntegerField(default=0, verbose_name="条数")),
                        ("code", models.IntegerField(null=True, verbose_name="响应码")),
                        ("duration_ms", models.PositiveIntegerField(verbose_name="耗时（毫秒）")),
                        ("error", models.CharField(blank=True, max_length=300, verbose_name="错误")),
                        (
                            "platform",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="ministry.upperplatform",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "上报记录",
                        "verbose_name_plural": "上报记录",
                        "indexes": [models.Index(fields=["platform", "-at"], name="delivery_call_platform")],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryTrouble",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "interface",
                    models.SmallIntegerField(
                        choices=[
                            (1, "登记与修改"),
                            (2, "删除"),
                            (3, "状态"),
                            (4, "图像质量"),
                            (5, "智能分析"),
                            (6, "令牌"),
                            (7, "点位查询"),
                        ],
                        verbose_name="接口",
                    ),
                ),
                ("about", models.CharField(blank=True, max_length=16, verbose_name="内容")),
                ("reason", models.CharField(max_length=200, verbose_name="原因")),
                ("since", models.DateTimeField(verbose_name="开始时间")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="连续失败")),
                ("refusals", models.PositiveIntegerField(default=0, verbose_name="连续拒绝")),
                ("strikes", models.PositiveIntegerField(default=0, verbose_name="批次失败")),
                ("retry_at", models.DateTimeField(verbose_name="下次尝试")),
                ("parked_at", models.DateTimeField(null=True, verbose_name="搁置时间")),
            ],
            options={
                "verbose_name": "未被接受的上报",
                "verbose_name_plural": "未被接受的上报",
            },
        ),
        migrations.CreateModel(
            name="InterfaceState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "interface",
                    models.SmallIntegerField(
                        choices=[
                            (1, "登记与修改"),
                            (2, "删除"),
                            (3, "状态"),
                            (4, "图像质量"),
                            (5, "智能分析"),
                            (6, "令牌"),
                            (7, "点位查询"),
                        ],
                        verbose_name="接口",
                    ),
                ),
                ("last_success_at", models.DateTimeField(null=True, verbose_name="最近成功")),
                ("last_failure_at", models.DateTimeField(null=True, verbose_name="最近失败")),
                ("last_error", models.CharField(blank=True, max_length=300, verbose_name="最近错误")),
                ("failures", models.PositiveIntegerField(default=0, verbose_name="连续失败")),
                ("retry_at", models.DateTimeField(null=True, verbose_name="下次尝试")),
            ],
            options={
                "verbose_name": "上级平台接口",
                "verbose_name_plural": "上级平台接口",
            },
        ),
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("began_at", models.DateTimeField(verbose_name="开始时间")),
                ("ended_at", models.DateTimeField(verbose_name="结束时间")),
                ("is_by_ledger", models.BooleanField(default=False, verbose_name="对方台账")),
                ("ours", models.PositiveIntegerField(default=0, verbose_name="我方点位")),
                ("theirs", models.PositiveIntegerField(default=0, verbose_name="对方点位")),
                ("compared", models.PositiveIntegerField(default=0, verbose_name="已比对")),
                ("differences", models.PositiveIntegerField(default=0, verbose_name="差异")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="错误")),
            ],
            options={
                "verbose_name": "台账核对",
                "verbose_name_plural": "台账核对",
            },
        ),
        migrations.CreateModel(
            name="LedgerDifference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[
                            (1, "对方没有"),
                            (2, "内容不同"),
                            (3, "状态不同"),
                            (4, "对方多出（本平台已删除）"),
                            (5, "对方多出（不是本平台登记的）"),
                        ],
                        verbose_name="差异",
                    ),
                ),
                ("number", models.CharField(max_length=64, verbose_name="摄像机编号")),
                ("name", models.CharField(blank=True, max_length=128, verbose_name="名称")),
                ("detail", models.CharField(blank=True, max_length=300, verbose_name="说明")),
                ("repaired_at", models.DateTimeField(null=True, verbose_name="修复时间")),
            ],
            options={
                "verbose_name": "台账差异",
                "verbose_name_plural": "台账差异",
            },
        ),
        migrations.RemoveIndex(
            model_name="cameradelivery",
            name="camera_delivery_status",
        ),
        migrations.RemoveField(
            model_name="cameradelivery",
            name="attempts",
        ),
        migrations.RemoveField(
            model_name="cameradelivery",
            name="last_error",
        ),
        migrations.RemoveField(
            model_name="cameradelivery",
            name="next_attempt_at",
        ),
        migrations.RemoveField(
            model_name="cameradelivery",
            name="quality_retry_at",
        ),
        migrations.RemoveField(
            model_name="cameradelivery",
            name="status_retry_at",
        ),
        migrations.AddField(
            model_name="analysisdelivery",
            name="claimed_until",
            field=models.DateTimeField(null=True, verbose_name="占用至"),
        ),
        migrations.AddField(
            model_name="analysisdelivery",
            name="parked_at",
            field=models.DateTimeField(null=True, verbose_name="搁置时间"),
        ),
        migrations.AddField(
            model_name="analysisdelivery",
            name="strikes",
            field=models.PositiveIntegerField(default=0, verbose_name="批次失败"),
        ),
        migrations.AddField(
            model_name="cameradelivery",
            name="claimed_until",
            field=models.DateTimeField(null=True, verbose_name="占用至"),
        ),
        migrations.AddField(
            model_name="cameradelivery",
            name="registered_at",
            field=models.DateTimeField(null=True, verbose_name="登记确认时间"),
        ),
        migrations.AddField(
            model_name="upperplatform",
            name="concurrency",
            field=models.PositiveSmallIntegerField(
                default=4,
                help_text="同时最多有几个请求在途",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(16),
                ],
                verbose_name="并发请求数",
            ),
        ),
        migrations.AddField(
            model_name="upperplatform",
            name="exchange_failed_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="令牌更换失败时间"),
        ),
        migrations.AddField(
            model_name="upperplatform",
            name="paced_until",
            field=models.DateTimeField(editable=False, null=True, verbose_name="限速至"),
        ),
        migrations.AddField(
            model_name="upperplatform",
            name="requests_per_second",
            field=models.FloatField(
                default=0,
                help_text="0 表示不限",
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="每秒请求上限",
            ),
        ),
        migrations.AddField(
            model_name="deliverytrouble",
            name="delivery",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="troubles",
                to="ministry.cameradelivery",
                verbose_name="上报确认",
            ),
        ),
        migrations.AddField(
            model_name="interfacestate",
            name="platform",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="interfaces",
                to="ministry.upperplatform",
                verbose_name="上级平台",
            ),
        ),
        migrations.AddField(
            model_name="ledgercheck",
            name="platform",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="checks",
                to="ministry.upperplatform",
                verbose_name="上级平台",
            ),
        ),
        migrations.AddField(
            model_name="ledgerdifference",
            name="camera",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="cameras.camera",
                verbose_name="摄像机",
            ),
        ),
        migrations.AddField(
            model_name="ledgerdifference",
            name="ledger_check",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="found",
                to="ministry.ledgercheck",
                verbose_name="台账核对",
            ),
        ),
        migrations.AddIndex(
            model_name="deliverytrouble",
            index=models.Index(
                condition=models.Q(("parked_at", None), _negated=True),
                fields=["-parked_at"],
                name="delivery_trouble_parked",
            ),
        ),
        migrations.AddConstraint(
            model_name="deliverytrouble",
            constraint=models.UniqueConstraint(
                fields=("delivery", "interface"), name="delivery_trouble_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="interfacestate",
            constraint=models.UniqueConstraint(
                fields=("platform", "interface"), name="upper_interface_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="ledgercheck",
            index=models.Index(fields=["platform", "-began_at"], name="ledger_check_platform"),
        ),
        migrations.AddIndex(
            model_name="ledgerdifference",
            index=models.Index(fields=["ledger_check", "kind"], name="ledger_difference_kind"),
        ),
    ]
