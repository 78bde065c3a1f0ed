from django.db import migrations, models


def lead_to_servers(apps, schema_editor):
    """The sessions of HLS carry no signature of a vendor: through those domains no segment ever played."""
    domains = apps.get_model("streaming", "PlayDomain").objects
    domains.exclude(signer="own").filter(hls_way="domain").update(hls_way="server")


class Migration(migrations.Migration):
    dependencies = [("streaming", "0009_viewing_ends")]

    operations = [
        migrations.AlterField(
            model_name="playdomain",
            name="hls_way",
            field=models.CharField(
                choices=[
                    ("server", "直接到媒体服务器，按播放会话"),
                    ("domain", "经播放域名（仅限本平台签名）"),
                ],
                default="server",
                max_length=8,
                verbose_name="HLS",
            ),
        ),
        migrations.RunPython(lead_to_servers, migrations.RunPython.noop),
    ]
