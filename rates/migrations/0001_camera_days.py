import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0003_most_viewers"),
        ("cameras", "0003_no_like_and_owner_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountedDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False, verbose_name="日期")),
                ("counted_at", models.DateTimeField(verbose_name="统计时间")),
            ],
            options={
                "verbose_name": "统计日",
                "verbose_name_plural": "统计日",
            },
        ),
        migrations.CreateModel(
            name="CameraDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day", "camera_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField(verbose_name="日期")),
                ("road", models.CharField(max_length=64, verbose_name="路线")),
                ("slots", models.IntegerField(verbose_name="应计时段")),
                ("missed", models.IntegerField(verbose_name="未计时段")),
                ("claimed", models.IntegerField(verbose_name="报告在线")),
                ("pictured", models.IntegerField(verbose_name="有画面")),
                ("good", models.IntegerField(verbose_name="画面良好")),
                ("hollow", models.IntegerField(verbose_name="报告在线而无画面")),
                ("offline_seconds", models.IntegerField(verbose_name="离线秒数")),
                ("flaps", models.IntegerField(verbose_name="掉线次数")),
                (
                    "camera",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="days",
                        to="cameras.camera",
                    ),
                ),
                (
                    "gateway",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="cameras.gateway",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="access.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "摄像机日在线",
                "verbose_name_plural": "摄像机日在线",
            },
        ),
    ]
