import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_sign_in_and_log_chain"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="staffrole",
            name="staff_role_unique",
        ),
        # Of roles from before nobody knows since when they are held.
        migrations.AddField(
            model_name="staffrole",
            name="granted_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="授予时间"),
        ),
        migrations.AlterField(
            model_name="staffrole",
            name="granted_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, null=True, verbose_name="授予时间"
            ),
        ),
        migrations.AddField(
            model_name="staffrole",
            name="valid_from",
            field=models.DateTimeField(blank=True, null=True, verbose_name="生效时间"),
        ),
        migrations.AddField(
            model_name="staffrole",
            name="valid_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="失效时间"),
        ),
        migrations.AddField(
            model_name="user",
            name="organisation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="staff",
                to="access.organisation",
                verbose_name="所属单位",
            ),
        ),
        migrations.AlterField(
            model_name="staffrole",
            name="role",
            field=models.CharField(
                choices=[
                    ("monitor", "值班监控员"),
                    ("ptz", "云台操作员"),
                    ("section", "路段管理员"),
                    ("province", "省中心管理员"),
                    ("auditor", "审计员"),
                    ("system", "系统管理员"),
                    ("security", "安全管理员"),
                    ("audit", "审计管理员"),
                ],
                max_length=16,
                verbose_name="角色",
            ),
        ),
        migrations.AddConstraint(
            model_name="staffrole",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_until", None)),
                fields=("user", "role", "organisation"),
                name="staff_role_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="staffrole",
            constraint=models.UniqueConstraint(
                condition=models.Q(("role__in", ("system", "security", "audit"))),
                fields=("user",),
                name="staff_role_one_duty",
            ),
        ),
        migrations.AddConstraint(
            model_name="staffrole",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("role__in", ("system", "security", "audit")), _negated=True),
                    models.Q(("valid_from", None), ("valid_until", None)),
                    _connector="OR",
                ),
                name="staff_role_duty_unlimited",
            ),
        ),
        migrations.AddConstraint(
            model_name="staffrole",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from", None),
                    ("valid_until", None),
                    ("valid_until__gte", models.F("valid_from")),
                    _connector="OR",
                ),
                name="staff_role_ends_after_begin",
            ),
        ),
    ]
