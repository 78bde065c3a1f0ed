import django.db.models.deletion
from django.db import migrations, models

SUBJECTS = [
    ("congestion", "拥堵事件"),
    ("accident", "交通事故"),
    ("speed", "平均速度"),
    ("flow", "公路流量"),
    ("weather", "公路气象"),
]

# A day is dropped as one table. Partitions are made by analysis.services.intake, day by day.
CREATE_RESULT = """
CREATE SEQUENCE analysis_analysisresult_id_seq;
CREATE TABLE analysis_analysisresult (
    id bigint NOT NULL DEFAULT nextval('analysis_analysisresult_id_seq'),
    camera_id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    figure double precision NULL,
    subject varchar(12) NOT NULL,
    level varchar(16) NOT NULL,
    fault varchar(200) NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
ALTER SEQUENCE analysis_analysisresult_id_seq OWNED BY analysis_analysisresult.id;
CREATE INDEX analysis_occurred ON analysis_analysisresult (occurred_at DESC, id DESC);
CREATE INDEX analysis_subject ON analysis_analysisresult (subject, occurred_at DESC) WHERE subject <> '';
CREATE INDEX analysis_camera ON analysis_analysisresult (camera_id, occurred_at DESC);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("cameras", "0001_ledger")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(CREATE_RESULT, reverse_sql="DROP TABLE analysis_analysisresult;")
            ],
            state_operations=[
                migrations.CreateModel(
                    name="AnalysisResult",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("received_at", models.DateTimeField(verbose_name="接收时间")),
                        ("occurred_at", models.DateTimeField(verbose_name="发生时间")),
                        (
                            "subject",
                            models.CharField(
                                blank=True, choices=SUBJECTS, max_length=12, verbose_name="主题"
                            ),
                        ),
                        ("level", models.CharField(blank=True, max_length=16, verbose_name="等级或类型")),
                        ("figure", models.FloatField(null=True, verbose_name="数值")),
                        ("fault", models.CharField(blank=True, max_length=200, verbose_name="未识别原因")),
                        ("data", models.TextField(verbose_name="原始数据")),
                        (
                            "camera",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="analysis_results",
                                to="cameras.camera",
                                verbose_name="摄像机",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "分析结果",
                        "verbose_name_plural": "分析结果",
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["-occurred_at", "-id"], name="analysis_occurred"),
                            models.Index(
                                condition=models.Q(("subject", ""), _negated=True),
                                fields=["subject", "-occurred_at"],
                                name="analysis_subject",
                            ),
                            models.Index(fields=["camera", "-occurred_at"], name="analysis_camera"),
                        ],
                    },
                ),
            ],
        ),
    ]
