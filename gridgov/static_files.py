"""Static files served before Django, by servestatic: from the finders in development, from STATIC_ROOT in production.

The one place that names servestatic. Outside the middleware, so that no request pays for it.
"""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from servestatic import ServeStatic, ServeStaticASGI

from gridgov.security import add_static_headers


def with_static_files(application: Any, *, asgi: bool) -> Any:
    """The application, with /static/ in front of it."""
    kind = ServeStaticASGI if asgi else ServeStatic
    served = kind(application, max_age=0, allow_all_origins=False, autorefresh=settings.DEBUG, add_headers_function=add_static_headers)
    if settings.PRODUCTION:
        if settings.STATIC_ROOT.is_dir():  # made by collectstatic; often a proxy serves it instead
            served.add_files(str(settings.STATIC_ROOT), prefix=settings.STATIC_URL)
        return served
    storages = [storage for finder in finders.get_finders() for storage in getattr(finder, "storages", {}).values()]
    for storage in reversed(storages):  # the first finder wins, and servestatic lets the last one win
        prefix = f"{storage.prefix}/" if getattr(storage, "prefix", None) else ""
        served.add_files(storage.location, prefix=settings.STATIC_URL + prefix)
    return served
