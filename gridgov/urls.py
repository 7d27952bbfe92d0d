"""The URL map. Every app has its own list; this one wires them, and answers for operators and builders."""

from django.contrib import admin
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from gridgov import health, login, openapi

urlpatterns: list[URLPattern | URLResolver] = [
    path("", login.front_door),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("version", health.version),
    path("login/", login.LoginPage.as_view(), name="login"),
    path("logout/", login.leave, name="logout"),
    path("language/", include("django.conf.urls.i18n")),
    path("admin/login/", login.to_login_page),
    path("admin/", admin.site.urls),
    path("api/v1/", include("grids.urls")),
    path("api/v1/", include("incidents.urls")),
    path("api/v1/", include("sync.urls")),
    path("desk/", include("incidents.desk_urls")),
    path("field/", include("sync.field_app")),
    path("api/schema/", openapi.Schema.as_view(), name="schema"),
    path("api/docs/", openapi.Docs.as_view(url_name="schema"), name="docs"),
]

handler400 = "gridgov.http.bad_request"
handler403 = "gridgov.http.forbidden"
handler404 = "gridgov.http.page_not_found"
handler500 = "gridgov.http.server_error"
