from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_rights_in_time_and_duties"),
    ]

    operations = [
        migrations.AddField(
            model_name="alarm",
            name="camera_id",
            field=models.BigIntegerField(
                blank=True, db_index=True, editable=False, null=True, verbose_name="摄像机"
            ),
        ),
    ]
