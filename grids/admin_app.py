"""Puts our admin site in the place of Django's own. No models here: this is loaded while apps are."""

from django.contrib.admin.apps import AdminConfig


class GridAdminConfig(AdminConfig):
    """Django's admin with our site."""

    default_site = "grids.admin_site.GridAdminSite"
