"""PostgreSQL: keys compare as bytes, no second index for LIKE on them, and fresh statistics soon after a load."""

from django.db import migrations

FORWARD = """
DO $$ DECLARE i text; BEGIN
  FOR i IN SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename IN ('feed_feedrow', 'feed_feedextra') AND indexname LIKE '%\\_like'
  LOOP EXECUTE format('DROP INDEX %I', i); END LOOP;
END $$;
ALTER TABLE feed_feedrow ALTER COLUMN key TYPE varchar(64) COLLATE "C";
ALTER TABLE feed_feedextra ALTER COLUMN key TYPE varchar(64) COLLATE "C", ALTER COLUMN audience TYPE varchar(40) COLLATE "C";
ALTER TABLE feed_head SET (fillfactor = 10);
ALTER TABLE feed_feedrow SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE feed_feedextra SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200);
ALTER TABLE feed_commit SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200);
"""


def lean(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORWARD.replace("%", "%%"), ())


class Migration(migrations.Migration):
    dependencies = [("feed", "0002_commit_events")]

    operations = [migrations.RunPython(lean, migrations.RunPython.noop)]
