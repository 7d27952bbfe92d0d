"""Addresses of the sync protocol, below /api/v1/."""

from django.urls import include, path

from sync import api

urlpatterns = [
    path("me", api.Me.as_view()),
    path("auth/token", api.Token.as_view()),
    path("auth/logout", api.Logout.as_view()),
    path("sync/ops", api.push),
    path("sync/changes", api.pull),
    path("sync/digest", api.read_digest),
    path("sync/limits", api.Limits.as_view()),
    path("sync/photos/", include("sync.uploads")),
]
