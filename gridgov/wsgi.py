"""HTTP for a WSGI server (granian, gunicorn): the fast way in production. Sockets need gridgov.asgi beside it."""

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gridgov.settings")
os.environ["GRIDGOV_KEEP_CONNECTIONS"] = "1"  # threads of a WSGI server live long, and may keep their connection
_django = get_wsgi_application()

from gridgov.background import start_warming  # noqa: E402  (after Django is set up)
from gridgov.body_limits import limited_wsgi  # noqa: E402
from gridgov.static_files import with_static_files  # noqa: E402

# A thread that holds the feed's lock waits for the interpreter's between its last statement and COMMIT: let it not wait for long.
sys.setswitchinterval(0.002)
# A push of 50 makes some ten thousand small objects, none of them in a circle: look for circles more seldom.
gc.set_threshold(50_000, 20, 50)
start_warming()
application = limited_wsgi(with_static_files(_django, asgi=False))
