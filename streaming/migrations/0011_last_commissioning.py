from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streaming", "0010_hls_through_own_domains")]

    operations = [
        migrations.AddField(
            model_name="playdomain",
            name="checked_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="验收时间"),
        ),
        migrations.AddField(
            model_name="playdomain",
            name="findings",
            field=models.JSONField(blank=True, default=list, editable=False, verbose_name="验收结果"),
        ),
    ]
