#!/usr/bin/env python
"""Django's command line. Operators' commands run without the web server's statement time limit."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gridgov.settings")
    if sys.argv[1:2] != ["serve"]:
        # A migration or an import may rightly take minutes; only a request may not.
        os.environ.setdefault("GRIDGOV_STATEMENT_TIMEOUT_S", "0")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
