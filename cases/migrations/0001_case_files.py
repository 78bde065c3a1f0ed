import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cameras', '0005_main_stream_of_a_source'),
        ('snapshots', '0002_keeping_looks_holds_and_planned_shards'),
    ]

    operations = [
        migrations.CreateModel(
            name='CaseFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=120, verbose_name='事件')),
                ('road', models.CharField(max_length=64, verbose_name='路线')),
                ('stake_m', models.PositiveIntegerField(verbose_name='桩号（米）')),
                ('event_at', models.DateTimeField(verbose_name='发生时间')),
                ('opened_by', models.CharField(max_length=64, verbose_name='立卷人')),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='立卷时间')),
                ('closed_by', models.CharField(blank=True, max_length=64, verbose_name='结卷人')),
                ('closed_at', models.DateTimeField(null=True, verbose_name='结卷时间')),
                ('released_by', models.CharField(blank=True, max_length=64, verbose_name='解除留存人')),
                ('released_at', models.DateTimeField(null=True, verbose_name='解除留存时间')),
            ],
            options={
                'verbose_name': '事件卷宗',
                'verbose_name_plural': '事件卷宗',
                'ordering': ['-opened_at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('released_at', None), ('closed_at__isnull', False), _connector='OR'), name='case_released_when_closed')],
            },
        ),
        migrations.CreateModel(
            name='CaseExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='时间')),
                ('by', models.CharField(max_length=64, verbose_name='导出人')),
                ('pictures', models.PositiveIntegerField(default=0, verbose_name='截图数')),
                ('files', models.PositiveIntegerField(default=0, verbose_name='文件数')),
                ('manifest_sm3', models.CharField(blank=True, db_index=True, max_length=64, verbose_name='清单 SM3')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exports', to='cases.casefile', verbose_name='卷宗')),
            ],
            options={
                'verbose_name': '卷宗导出',
                'verbose_name_plural': '卷宗导出',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='CaseNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='时间')),
                ('by', models.CharField(max_length=64, verbose_name='记录人')),
                ('text', models.TextField(max_length=2000, verbose_name='记录')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='cases.casefile', verbose_name='卷宗')),
            ],
            options={
                'verbose_name': '卷宗记录',
                'verbose_name_plural': '卷宗记录',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='CaseCamera',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_by', models.CharField(max_length=64, verbose_name='加入人')),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='加入时间')),
                ('number', models.CharField(max_length=64, verbose_name='摄像机编号')),
                ('name', models.CharField(max_length=128, verbose_name='名称')),
                ('road', models.CharField(max_length=64, verbose_name='路线')),
                ('stake', models.CharField(max_length=16, verbose_name='桩号')),
                ('stake_m', models.IntegerField(verbose_name='桩号（米）')),
                ('direction', models.CharField(max_length=8, verbose_name='方向')),
                ('organisation', models.CharField(max_length=200, verbose_name='单位')),
                ('gaps', models.JSONField(null=True, verbose_name='缺失时段')),
                ('camera', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='case_cameras', to='cameras.camera', verbose_name='摄像机')),
                ('hold', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='case_camera', to='snapshots.picturehold', verbose_name='留存')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cameras', to='cases.casefile', verbose_name='卷宗')),
            ],
            options={
                'verbose_name': '卷宗中的摄像机',
                'verbose_name_plural': '卷宗中的摄像机',
                'ordering': ['stake_m', 'direction', 'pk'],
                'indexes': [models.Index(condition=models.Q(('gaps__isnull', True)), fields=['id'], name='case_camera_unsettled')],
            },
        ),
    ]
