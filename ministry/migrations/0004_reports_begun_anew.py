from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ministry", "0003_claims_troubles_and_calls")]

    operations = [
        migrations.AddField(
            model_name="cameradelivery",
            name="reset_at",
            field=models.DateTimeField(null=True, verbose_name="重报起始时间"),
        ),
    ]
