"""Addresses of cases, below /api/v1/."""

from django.urls import path

from incidents import api, photo_api

urlpatterns = [
    path("workflow", api.Workflow.as_view()),
    path("categories/", api.CategoryList.as_view()),
    path("incidents/", api.IncidentList.as_view()),
    path("incidents/nearby", api.Nearby.as_view()),
    path("incidents/<uuid:incident>/", api.IncidentDetail.as_view()),
    path("photos/<uuid:photo>/<str:size>", photo_api.picture),
]
