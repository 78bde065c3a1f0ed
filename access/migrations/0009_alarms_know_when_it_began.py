import django.utils.timezone
from django.apps.registry import Apps as StateApps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F


def begin_as_opened(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of incidents it is earlier; their own migration knows it."""
    apps.get_model("access", "Alarm").objects.update(began_at=F("opened_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0008_accounts_of_big_screens"),
    ]

    operations = [
        migrations.AddField(
            model_name="alarm",
            name="began_at",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="发生时间"),
        ),
        migrations.AlterField(
            model_name="alarm",
            name="opened_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="告警时间"),
        ),
        migrations.RunPython(begin_as_opened, migrations.RunPython.noop, elidable=True),
    ]
