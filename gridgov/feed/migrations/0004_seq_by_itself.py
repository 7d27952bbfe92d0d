"""Positions stay unique, but no index leads with plain seq: see FeedRow.Meta."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feed", "0003_lean_keys")]

    operations = [
        migrations.AlterField(model_name="feedrow", name="seq", field=models.BigIntegerField()),
        migrations.AddConstraint(
            model_name="feedrow", constraint=models.UniqueConstraint(models.F("seq") + 0, name="feed_seq")
        ),
    ]
