"""Every setting, read from the environment by typed readers that fail loudly. No secret and no address of ours in here.

Each variable has a row in docs/operations.md; wrong combinations are system checks (gridgov/checks.py).
"""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from gridgov.database import read_database_url
from gridgov.environment import (
    kept_secret,
    own_addresses,
    read_choice,
    read_flag,
    read_list,
    read_number,
    read_redis_url,
    read_secret,
    read_text,
)
from gridgov.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

# --- where and how we run ------------------------------------------------------------------------------------

GRIDGOV_ENV = read_choice("GRIDGOV_ENV", "development", of=("development", "production"))
GRIDGOV_DATA = Path(read_text("GRIDGOV_DATA", str(BASE_DIR / "var"))).resolve()
PRODUCTION = GRIDGOV_ENV == "production"
DEBUG = read_flag("DEBUG", False)
SECRET_KEY = read_secret("SECRET_KEY") or kept_secret(GRIDGOV_DATA / "secret")

HTTPS = read_flag("HTTPS", PRODUCTION)
HOST = read_text("HOST", "127.0.0.1")
PORT = read_number("PORT", 8000, least=1, most=65535)
_lan = not PRODUCTION and HOST not in ("127.0.0.1", "localhost", "::1")
ALLOWED_HOSTS = read_list("ALLOWED_HOSTS", [] if PRODUCTION else [HOST, *own_addresses()] if _lan else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = read_list("CSRF_TRUSTED_ORIGINS")
BEHIND_PROXY = read_flag("BEHIND_PROXY", PRODUCTION)
PROXY_ADDRESSES = read_list("PROXY_ADDRESSES", ["127.0.0.1", "::1"])
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- apps ----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "gridgov.feed",
    "grids",
    "incidents",
    "sync",
    "grids.admin_app.GridAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "mptt",
    "channels",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "gridgov.apps.GridgovConfig",
]

MIDDLEWARE = [
    "gridgov.logs.request_log",
    "gridgov.hot.straight_to_sync",
    "gridgov.security.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "gridgov.devices.signed_in_device",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "gridgov.urls"
WSGI_APPLICATION = "gridgov.wsgi.application"
ASGI_APPLICATION = "gridgov.asgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- database and channel layer ------------------------------------------------------------------------------

STATEMENT_TIMEOUT_S = read_number("GRIDGOV_STATEMENT_TIMEOUT_S", 15, least=0, most=3600)
DATABASES = {
    "default": read_database_url(
        read_secret("DATABASE_URL") or "",
        data=GRIDGOV_DATA,
        statement_timeout_s=STATEMENT_TIMEOUT_S,
        pool_size=read_number("GRIDGOV_POOL_SIZE", 8, least=1, most=200),
        keep=read_flag("GRIDGOV_KEEP_CONNECTIONS", False),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = read_redis_url("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, Any]]
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # socket_timeout: the layer itself blocks for five seconds; a shorter limit would cut every idle socket.
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "capacity": 1000, "expiry": 60},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# --- people, sessions, cookies -------------------------------------------------------------------------------

AUTH_USER_MODEL = "grids.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "sync.passwords.SignsOut"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
SESSION_COOKIE_AGE = 30 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "gridgov.http.csrf_failed"

AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = read_number("GRIDGOV_LOGIN_TRIES", 10, least=3, most=1000)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who goes on guessing must not lock a colleague out for ever
AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_CALLABLE = "gridgov.http.locked_out"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # addresses of people who mistyped are nobody's reading; `axes_reset` lifts a lockout

# --- language and time ---------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
TIME_ZONE = read_text("TIME_ZONE", "Asia/Shanghai")
USE_TZ = True

# --- static files --------------------------------------------------------------------------------------------

NODE_MODULES = BASE_DIR / "node_modules"
STATIC_URL = "/static/"
STATIC_ROOT = GRIDGOV_DATA / "static"
STATICFILES_DIRS = [
    (f"vendor/{name}", NODE_MODULES / folder)
    for name, folder in (("leaflet", "leaflet/dist"), ("idb", "idb/build"), ("tus", "tus-js-client/dist"))
    if (NODE_MODULES / folder).is_dir()  # the server runs without the browser libraries; check gridgov.W002 tells
]
STATICFILES_DIRS.append(("gridgov", BASE_DIR / "gridgov" / "static" / "gridgov"))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(GRIDGOV_DATA / "files")}},
    # No hashed names: browser modules import each other by relative path.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- what leaves us in headers -------------------------------------------------------------------------------

SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "blob:", "data:"],
    "connect-src": ["'self'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = read_number("GRIDGOV_HSTS_S", 31536000 if PRODUCTION else 0, least=0, most=63072000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False  # other sites of the same domain are not ours to decide
SECURE_SSL_REDIRECT = False  # the proxy's work
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

# --- API -----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["sync.auth.DeviceAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gridgov.http.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gridgov.http.problem_from_exception",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "gridgov",
    "DESCRIPTION": "Incident reporting for grid-based city governance. The sync protocol is docs/protocol.md.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "sync.schema.add_hot_views"],
}

# --- logs ----------------------------------------------------------------------------------------------------

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(
    level=read_choice("LOG_LEVEL", "INFO", of=("DEBUG", "INFO", "WARNING", "ERROR")),
    style=read_choice("LOG_FORMAT", "json" if PRODUCTION else "text", of=("json", "text")),
)
