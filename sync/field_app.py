"""The field app's frame: the shell page, the manifest, the icons, and the service worker with its files by content hash.

Served without login, the same bytes to everybody: nothing in here may depend on the reader or hold data.
"""

import hashlib
import io
import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import path
from django.urls.resolvers import URLPattern
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw

ICON_SIZES = (180, 192, 512)
BLUE = (24, 87, 182)
SUFFIXES = {".js", ".css"}
# Beside the app's own folder. The library is missing where set-up was not run: then the page says so by not starting.
BORROWED = ("gridgov/tokens.css", "vendor/idb/index.js")


@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """The one page; it starts the client, which asks who is there."""
    return _always_asked(HttpResponse(_shell_page()))


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to put the app on its home screen."""
    icons = [
        {"src": f"/field/icons/{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any"} for size in ICON_SIZES[1:]
    ]
    body = {
        "id": "/field/",
        "name": "网格上报 · gridgov",
        "short_name": "网格上报",
        "lang": "zh-Hans",
        "start_url": "/field/",
        "scope": "/field/",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#f4f5f7",
        "theme_color": "#1857b6",
        "icons": [*icons, {**icons[-1], "purpose": "maskable"}],
    }
    return _always_asked(JsonResponse(body, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}))


@require_safe
def icon(request: HttpRequest, size: int) -> HttpResponse:
    """The icon as PNG, in the sizes that phones ask for."""
    if size not in ICON_SIZES:
        raise Http404
    return _always_asked(HttpResponse(_icon(size), content_type="image/png"))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The worker's script. Its bytes change exactly when one of the files changes: that is how a phone learns of a version."""
    files = files_by_hash()
    version = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    script = render_to_string("field/sw.js", {"version": version, "files": json.dumps(files, indent=1, sort_keys=True)})
    return _always_asked(HttpResponse(script, content_type="text/javascript; charset=utf-8"))


def files_by_hash() -> dict[str, str]:
    """URL path → SHA-256 (hex) of everything that a cold start without a signal needs, the shell included."""
    found = {static(name): hashlib.sha256(file.read_bytes()).hexdigest() for name, file in _static_files().items()}
    icons = {f"/field/icons/{size}.png": hashlib.sha256(_icon(size)).hexdigest() for size in ICON_SIZES[:2]}
    return {**found, **icons, "/field/": hashlib.sha256(_shell_page()).hexdigest()}


def _static_files() -> dict[str, Path]:
    """Name below /static/ → file: the app's folder and what it borrows."""
    own = finders.find("field/main.js")
    folder = Path(own).parent if own else settings.STATIC_ROOT / "field"
    found = {f"field/{file.relative_to(folder).as_posix()}": file for file in sorted(folder.rglob("*")) if file.suffix in SUFFIXES}
    for name in BORROWED:
        if file := finders.find(name):
            found[name] = Path(file)
    return found


def _shell_page() -> bytes:
    """The page's bytes. The modules are named in it, so that a first visit loads them side by side and not one after another."""
    modules = [static(name) for name in _static_files() if name.endswith(".js")]
    return render_to_string("field/shell.html", {"modules": modules}).encode()


@lru_cache(maxsize=len(ICON_SIZES))
def _icon(size: int) -> bytes:
    """Nine cells, one of them lit; the outer tenth stays empty, so that a phone may cut it round."""
    picture = Image.new("RGB", (size, size), BLUE)
    draw = ImageDraw.Draw(picture)
    margin, gap = size * 0.22, size * 0.035
    side = (size - 2 * margin - 2 * gap) / 3
    for row in range(3):
        for column in range(3):
            left, top = margin + column * (side + gap), margin + row * (side + gap)
            colour = (255, 199, 77) if (row, column) == (1, 1) else (255, 255, 255)
            draw.rounded_rectangle((left, top, left + side, top + side), radius=side * 0.18, fill=colour)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _always_asked(response: HttpResponse) -> HttpResponse:
    """No cache may hold an old frame: the service worker does, and knows when it is old."""
    response["Cache-Control"] = "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response


urlpatterns: list[URLPattern] = [
    path("", shell, name="field"),
    path("manifest.webmanifest", manifest, name="field-manifest"),
    path("sw.js", service_worker, name="field-worker"),
    path("icons/<int:size>.png", icon, name="field-icon"),
]
