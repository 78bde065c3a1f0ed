from django.apps.registry import Apps as StateApps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery


def begin_with_the_cameras(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alarms, incidents = apps.get_model("access", "Alarm"), apps.get_model("incidents", "Incident")
    began = incidents.objects.filter(alarm=OuterRef("pk")).order_by().values("began_at")
    told = incidents.objects.exclude(alarm=None).order_by().values("alarm")
    alarms.objects.filter(pk__in=told).update(began_at=Subquery(began[:1]))


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0009_alarms_know_when_it_began"),
        ("incidents", "0002_alarms_know_their_camera"),
    ]

    operations = [
        migrations.AlterField(
            model_name="incident",
            name="kind",
            field=models.CharField(
                choices=[
                    ("media", "媒体服务器"),
                    ("province", "全省"),
                    ("company", "单位"),
                    ("road", "路线"),
                    ("gateway", "网关"),
                    ("section", "路段"),
                    ("camera", "单路"),
                ],
                max_length=8,
                verbose_name="范围",
            ),
        ),
        migrations.RunPython(begin_with_the_cameras, migrations.RunPython.noop, elidable=True),
    ]
