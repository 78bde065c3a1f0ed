import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_most_viewers"),
        ("cameras", "0003_no_like_and_owner_index"),
        ("snapshots", "0001_pictures_and_shards"),
    ]

    operations = [
        migrations.CreateModel(
            name="JpegRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
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
                        unique=True,
                        verbose_name="位置类型",
                    ),
                ),
                (
                    "quality",
                    models.PositiveSmallIntegerField(
                        default=80,
                        help_text="40 至 95",
                        validators=[
                            django.core.validators.MinValueValidator(40),
                            django.core.validators.MaxValueValidator(95),
                        ],
                        verbose_name="JPEG 质量",
                    ),
                ),
                (
                    "longest_side",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="码流更大时缩小到此；0 为不缩小。任何情况下不小于 CIF（352×288）",
                        verbose_name="最长边（像素）",
                    ),
                ),
            ],
            options={
                "verbose_name": "截图画质",
                "verbose_name_plural": "截图画质",
                "ordering": ["classify"],
            },
        ),
        migrations.AddField(
            model_name="captureshard",
            name="sent_at",
            field=models.DateTimeField(null=True, verbose_name="最近下发"),
        ),
        migrations.AddField(
            model_name="captureshard",
            name="shards",
            field=models.PositiveIntegerField(default=0, verbose_name="分片总数"),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="keep_days",
            field=models.SmallIntegerField(db_default=0, verbose_name="保留天数"),
        ),
        migrations.AlterField(
            model_name="captureshard",
            name="started_at",
            field=models.DateTimeField(null=True, verbose_name="开始"),
        ),
        migrations.CreateModel(
            name="PictureHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins_at", models.DateTimeField(verbose_name="起")),
                ("ends_at", models.DateTimeField(verbose_name="止")),
                ("reason", models.CharField(max_length=200, verbose_name="事由")),
                ("held_by", models.CharField(editable=False, max_length=64, verbose_name="留存人")),
                (
                    "held_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="留存时间",
                    ),
                ),
                ("secured_until", models.DateTimeField(editable=False, null=True, verbose_name="已保全至")),
                ("pictures", models.PositiveIntegerField(default=0, editable=False, verbose_name="张数")),
                ("size_bytes", models.BigIntegerField(default=0, editable=False, verbose_name="字节")),
                (
                    "released_by",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="解除人"),
                ),
                ("released_at", models.DateTimeField(editable=False, null=True, verbose_name="解除时间")),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="picture_holds",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
            ],
            options={
                "verbose_name": "截图留存",
                "verbose_name_plural": "截图留存",
                "ordering": ["-held_at"],
            },
        ),
        migrations.CreateModel(
            name="HeldPicture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slot_at", models.DateTimeField(verbose_name="时段")),
                ("taken_at", models.DateTimeField(verbose_name="截图时间")),
                ("size_bytes", models.IntegerField(verbose_name="字节")),
                ("width", models.SmallIntegerField(verbose_name="宽")),
                ("height", models.SmallIntegerField(verbose_name="高")),
                (
                    "camera",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cameras.camera",
                        verbose_name="摄像机",
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held",
                        to="snapshots.picturehold",
                        verbose_name="留存",
                    ),
                ),
            ],
            options={
                "verbose_name": "留存的截图",
                "verbose_name_plural": "留存的截图",
            },
        ),
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        help_text="不少于 7 天，含下级单位；下级另有设置的以下级为准。只对此后的截图生效，少于平台保留天数时按平台保留",
                        validators=[
                            django.core.validators.MinValueValidator(7),
                            django.core.validators.MaxValueValidator(731),
                        ],
                        verbose_name="保留天数",
                    ),
                ),
                (
                    "organisation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="snapshot_retention",
                        to="access.organisation",
                        verbose_name="单位",
                    ),
                ),
            ],
            options={
                "verbose_name": "截图保留天数",
                "verbose_name_plural": "截图保留天数",
            },
        ),
        migrations.CreateModel(
            name="StoredDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="日期")),
                ("keep_days", models.SmallIntegerField(default=0, verbose_name="保留天数")),
                ("pictures", models.BigIntegerField(default=0, verbose_name="张数")),
                ("size_bytes", models.BigIntegerField(default=0, verbose_name="字节")),
                ("thinned_on", models.DateField(null=True, verbose_name="清理日期")),
            ],
            options={
                "verbose_name": "截图存量",
                "verbose_name_plural": "截图存量",
                "ordering": ["-day", "keep_days"],
                "constraints": [models.UniqueConstraint(fields=("day", "keep_days"), name="stored_day_once")],
            },
        ),
        migrations.AddIndex(
            model_name="picturehold",
            index=models.Index(
                condition=models.Q(("released_at", None)), fields=["begins_at"], name="picture_hold_active"
            ),
        ),
        migrations.AddConstraint(
            model_name="picturehold",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("begins_at"))), name="picture_hold_has_length"
            ),
        ),
        migrations.AddConstraint(
            model_name="heldpicture",
            constraint=models.UniqueConstraint(
                fields=("camera", "slot_at", "hold"), name="held_picture_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("days__gte", 7)), name="snapshot_retention_not_short"
            ),
        ),
    ]
