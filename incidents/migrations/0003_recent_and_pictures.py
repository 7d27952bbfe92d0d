"""Indexes of lists (newest cases first), of open conflicts by author, and of which pictures still use a file."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0002_lean_keys'),
    ]

    operations = [
        migrations.AlterField(
            model_name='conflict',
            name='by',
            field=models.UUIDField(db_index=True),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['received_at', 'id'], name='incident_recent'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(fields=['view_sha256'], name='picture_view'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(fields=['thumb_sha256'], name='picture_thumb'),
        ),
    ]
