import django.db.models.deletion
from django.db import migrations, models

# A day is dropped as one table, like the results themselves (analysis 0001_daily_results).
CREATE_DELIVERY = """
CREATE SEQUENCE ministry_analysisdelivery_id_seq;
CREATE TABLE ministry_analysisdelivery (
    id bigint NOT NULL DEFAULT nextval('ministry_analysisdelivery_id_seq'),
    platform_id bigint NOT NULL,
    camera_id bigint NOT NULL,
    result_id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    reported_at timestamp with time zone NULL,
    retry_at timestamp with time zone NULL,
    attempts integer NOT NULL CHECK (attempts >= 0),
    last_error varchar(200) NOT NULL,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
ALTER SEQUENCE ministry_analysisdelivery_id_seq OWNED BY ministry_analysisdelivery.id;
CREATE INDEX analysis_delivery_pending ON ministry_analysisdelivery (platform_id, received_at, id)
    WHERE reported_at IS NULL;
CREATE INDEX analysis_delivery_result ON ministry_analysisdelivery (result_id);
"""


def outside(name, **more):
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        to=name,
        **more,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0001_daily_results"),
        ("cameras", "0001_ledger"),
        ("ministry", "0001_upper_platforms"),
    ]

    operations = [
        migrations.AddField(
            model_name="upperplatform",
            name="quality_digits",
            field=models.PositiveSmallIntegerField(
                choices=[(9, "九位"), (10, "十位")],
                default=9,
                help_text="技术要求的表格为九位，示例为十位",
                verbose_name="图像质量位数",
            ),
        ),
        migrations.AddField(
            model_name="upperplatform",
            name="analyse_verb",
            field=models.CharField(
                default="ReportAnalyse", editable=False, max_length=16, verbose_name="智能分析接口名"
            ),
        ),
        migrations.AddField(
            model_name="cameradelivery",
            name="quality",
            field=models.CharField(max_length=9, null=True, verbose_name="已确认图像质量"),
        ),
        migrations.AddField(
            model_name="cameradelivery",
            name="quality_at",
            field=models.DateTimeField(null=True, verbose_name="图像质量确认时间"),
        ),
        migrations.AddField(
            model_name="cameradelivery",
            name="quality_retry_at",
            field=models.DateTimeField(null=True, verbose_name="图像质量下次尝试"),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(CREATE_DELIVERY, reverse_sql="DROP TABLE ministry_analysisdelivery;")
            ],
            state_operations=[
                migrations.CreateModel(
                    name="AnalysisDelivery",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("received_at", models.DateTimeField(verbose_name="接收时间")),
                        ("reported_at", models.DateTimeField(null=True, verbose_name="上报时间")),
                        ("attempts", models.PositiveIntegerField(default=0, verbose_name="连续失败")),
                        ("retry_at", models.DateTimeField(null=True, verbose_name="下次尝试")),
                        (
                            "last_error",
                            models.CharField(blank=True, max_length=200, verbose_name="最近错误"),
                        ),
                        ("camera", outside("cameras.camera", related_name="+")),
                        ("result", outside("analysis.analysisresult", related_name="deliveries")),
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
                        "verbose_name": "分析结果上报",
                        "verbose_name_plural": "分析结果上报",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("reported_at", None)),
                                fields=["platform", "received_at", "id"],
                                name="analysis_delivery_pending",
                            ),
                            models.Index(fields=["result"], name="analysis_delivery_result"),
                        ],
                    },
                ),
            ],
        ),
    ]
