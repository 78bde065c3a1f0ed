from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("acceptance", "0001_reports_and_pictures")]

    operations = [
        migrations.AddField(
            model_name="acceptancereport",
            name="begun_at",
            field=models.DateTimeField(null=True, verbose_name="开始时间"),
        ),
    ]
