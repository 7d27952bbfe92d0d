"""A commit keeps the hashes of its events, so that its link can be reckoned anew.

The default stays in the database: a process that still runs the old code goes on writing commits.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feed", "0001_initial")]

    operations = [migrations.AddField("commit", "events", models.TextField(db_default="", default=""))]
