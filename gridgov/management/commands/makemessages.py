"""Django's makemessages, which also finds sentences marked by `msgid()` in gridgov/errors.py."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """One more keyword for xgettext."""

    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=msgid"]
