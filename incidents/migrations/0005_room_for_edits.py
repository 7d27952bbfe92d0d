"""PostgreSQL: room in each page, so that an edited case stays beside its old version and its indexes need no new entries."""

from django.db import migrations

FORWARD = "ALTER TABLE incidents_incident SET (fillfactor = 80)"


def make_room(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORWARD)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_photo_awaited")]

    operations = [migrations.RunPython(make_room, migrations.RunPython.noop)]
