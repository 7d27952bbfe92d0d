"""Static files served before Django, by servestatic: from the finders in development, from STATIC_ROOT in production.

The one place that names servestatic. Outside the middleware, so that no request pays for it.
"""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from servestatic import ServeStatic, ServeStaticASGI

from gridgov.security import add_static_headers


def with_static_files(application: Any, *, asgi: bool) -> Any:
    """The application, with /static/ in front of it. In development each file is looked up anew: it may just have been edited."""
    kind = ServeStaticASGI if asgi else ServeStatic
    anew = not settings.PRODUCTION
    served = kind(application, max_age=0, allow_all_origins=False, autorefresh=anew, add_headers_function=add_static_headers)
    if settings.PRODUCTION:
        if settings.STATIC_ROOT.is_dir():  # made by collectstatic; often a proxy serves it instead
            served.add_files(str(settings.STATIC_ROOT), prefix=settings.STATIC_URL)
    else:
        storages = [storage for finder in finders.get_finders() for storage in getattr(finder, "storages", {}).values()]
        for storage in reversed(storages):  # the first finder wins, and servestatic lets the last one win
            prefix = f"{storage.prefix}/" if getattr(storage, "prefix", None) else ""
            served.add_files(storage.location, prefix=settings.STATIC_URL + prefix)
    return (_for_asgi if asgi else _for_wsgi)(served, application)


# Only /static/ asks servestatic: looking files up anew costs a thread, which no call of a phone shall pay for.


def _for_asgi(served: Any, application: Any) -> Any:
    async def choose(scope: Any, receive: Any, send: Any) -> None:
        await (served if scope["path"].startswith(settings.STATIC_URL) else application)(scope, receive, send)

    return choose


def _for_wsgi(served: Any, application: Any) -> Any:
    def choose(environ: Any, start_response: Any) -> Any:
        return (served if environ.get("PATH_INFO", "").startswith(settings.STATIC_URL) else application)(environ, start_response)

    return choose
