import django.db.models.deletion
from django.db import migrations, models


def fill(apps, schema_editor):
    """By the name, where only one camera of the gateway is called so; there are a dozen pictures a report."""
    picture_model = apps.get_model("acceptance", "ShownPicture")
    camera_model = apps.get_model("cameras", "Camera")
    named = picture_model.objects.filter(report__gateway__isnull=False).order_by()
    for gateway_id, name in named.values_list("report__gateway", "camera_name").distinct():
        found = list(camera_model.objects.filter(gateway=gateway_id, name=name).values_list("pk", flat=True)[:2])
        if len(found) == 1:
            pictures = picture_model.objects.filter(report__gateway=gateway_id, camera_name=name)
            pictures.update(camera=found[0])


class Migration(migrations.Migration):
    dependencies = [
        ("acceptance", "0002_when_begun"),
        ("cameras", "0010_change_history_imports_and_rejections"),
    ]

    operations = [
        migrations.AddField(
            model_name="shownpicture",
            name="camera",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="acceptance_pictures",
                to="cameras.camera",
                verbose_name="摄像机",
            ),
        ),
        migrations.AlterField(
            model_name="shownpicture",
            name="camera_name",
            field=models.CharField(max_length=128, verbose_name="摄像机名称"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
