#!/usr/bin/env python
"""Django's command line. Operators' commands run without the web server's statement time limit.

What is wrong with settings or database is told in one sentence, with exit status 1; `--traceback` shows where it was found.
"""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gridgov.settings")
    if sys.argv[1:2] != ["serve"]:
        # A migration or an import may rightly take minutes; only a request may not.
        os.environ.setdefault("GRIDGOV_STATEMENT_TIMEOUT_S", "0")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import DatabaseError, InterfaceError

    english = os.environ.get("LANG", "").startswith("en")  # without settings there are no translations yet
    try:
        _ = settings.INSTALLED_APPS  # reads them all
    except (ImproperlyConfigured, ValueError) as error:
        sys.exit(f"A setting is not understood. {error}" if english else f"有一项设置无法识别。{error}")
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
    except (DatabaseError, InterfaceError) as error:
        if "--traceback" in sys.argv:
            raise
        why = str(error).strip().partition("\n")[0]
        sys.exit(
            f"The database does not answer as it should: {why} (DATABASE_URL; `manage.py migrate`)"
            if english
            else f"数据库未按预期响应:{why}(见 DATABASE_URL;`manage.py migrate`)"
        )


if __name__ == "__main__":
    main()
