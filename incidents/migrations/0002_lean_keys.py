"""PostgreSQL: no second index for LIKE beside unique ones, and fresh statistics soon after a load."""

from django.db import migrations

FORWARD = """
DO $$ DECLARE i text; BEGIN
  FOR i IN SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()
    AND tablename IN ('incidents_incident', 'incidents_photo', 'incidents_picture', 'incidents_delivery') AND indexname LIKE '%\\_like'
  LOOP EXECUTE format('DROP INDEX %I', i); END LOOP;
END $$;
ALTER TABLE incidents_incident SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200);
ALTER TABLE incidents_event SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200);
ALTER TABLE incidents_receipt SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200);
"""


def lean(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORWARD.replace("%", "%%"), ())


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]

    operations = [migrations.RunPython(lean, migrations.RunPython.noop)]
