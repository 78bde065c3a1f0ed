from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_partner_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="most_viewers",
            field=models.PositiveIntegerField(
                default=0, help_text="0 表示不限", verbose_name="同时观看上限（路）"
            ),
        ),
    ]
