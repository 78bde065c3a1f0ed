import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("streaming", "0003_encrypted_secret"),
    ]

    operations = [
        migrations.AddField(
            model_name="mediaserver",
            name="weight",
            field=models.PositiveSmallIntegerField(
                default=1,
                help_text="新的推流按各台已承载的路数除以权重分配，少者先得",
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="权重",
            ),
        ),
        migrations.AddField(
            model_name="pushsession",
            name="moved_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="改派时间"),
        ),
    ]
