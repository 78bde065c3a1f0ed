from django.apps.registry import Apps as StateApps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BigIntegerField, OuterRef, Subquery
from django.db.models.functions import Cast


def name_cameras(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The subject of an incident of a single camera is its id."""
    alarms, incidents = apps.get_model("access", "Alarm"), apps.get_model("incidents", "Incident")
    subject = incidents.objects.filter(alarm=OuterRef("pk")).order_by().values("subject")
    single = alarms.objects.filter(pk__in=incidents.objects.filter(kind="camera").order_by().values("alarm"))
    single.update(camera_id=Cast(Subquery(subject[:1]), BigIntegerField()))


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0007_alarms_about_one_camera"),
        ("incidents", "0001_incidents_and_their_cameras"),
    ]

    operations = [
        migrations.RunPython(name_cameras, migrations.RunPython.noop, elidable=True),
    ]
