"""The product's settings with a folder of its own for each run; nothing of the developer's `var/` is touched."""

import os
import tempfile

os.environ.pop("GRIDGOV_ENV", None)
os.environ.setdefault("GRIDGOV_TEST_RUN_DATA", tempfile.mkdtemp(prefix="gridgov-test-"))
os.environ["GRIDGOV_DATA"] = os.environ["GRIDGOV_TEST_RUN_DATA"]
os.environ.setdefault("LOG_LEVEL", "WARNING")

from gridgov.settings import *  # noqa: F403
from gridgov.settings import DATABASES, GRIDGOV_DATA

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A real file: threads and the durability check see the same database as in life. pytest-xdist adds its own suffix.
    DATABASES["default"]["TEST"] = {"NAME": str(GRIDGOV_DATA / "test.sqlite3")}
