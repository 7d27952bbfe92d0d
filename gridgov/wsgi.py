"""HTTP for a WSGI server (granian, gunicorn): the fast way in production. Sockets need gridgov.asgi beside it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gridgov.settings")
os.environ["GRIDGOV_KEEP_CONNECTIONS"] = "1"  # threads of a WSGI server live long, and may keep their connection
_django = get_wsgi_application()

from gridgov.background import start_warming  # noqa: E402  (after Django is set up)
from gridgov.body_limits import limited_wsgi  # noqa: E402
from gridgov.static_files import with_static_files  # noqa: E402

start_warming()
application = limited_wsgi(with_static_files(_django, asgi=False))
