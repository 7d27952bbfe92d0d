"""Addresses of the place API, below /api/v1/."""

from django.urls import path

from grids import api

urlpatterns = [
    path("cells/", api.PlaceList.as_view()),
    path("cells/locate", api.Locate.as_view()),
    path("cells/<str:code>/", api.PlaceDetail.as_view()),
    path("cells.geojson", api.Shapes.as_view()),
]
