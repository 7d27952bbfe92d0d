"""What an administrator may see and change: superusers everything, the role admin reads its own part of the city."""

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.paginator import Paginator
from django.db.models import BooleanField, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from grids.admin_site import areas_of
from grids.scope import Area

M = TypeVar("M", bound=Model)
# More rows than this are "many": nobody pages through them, and counting them all would take seconds.
COUNTED = 10_000


def lies_in(areas: tuple[Area, ...], *, prefix: str = "") -> Q:
    """The condition that a row with level columns (under `prefix`) lies in one of the areas."""
    found = Q(pk__in=())
    for area in areas:
        found |= Q(**{f"{prefix}district__isnull": False}) if area.level == "city" else Q(**{f"{prefix}{area.level}": area.sid})
    return found


if TYPE_CHECKING:

    class _Admin(admin.ModelAdmin[M]):
        pass

    AnyPaginator = Paginator[Any]

else:
    AnyPaginator = Paginator

    class _Admin(admin.ModelAdmin):
        """Django's ModelAdmin takes no type parameter when it runs."""

        def __class_getitem__(cls, model: object) -> type:
            return cls


class CountedPaginator(AnyPaginator):
    """Counts up to COUNTED rows, so that a page of millions costs what a page of thousands does."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED + 1].count())


class _OnlyIds:
    """Shows again what was sent only where it is an id: Django's own would ask the database for junk, and fall over it."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """The chosen ones."""
        return super().optgroups(name, [one for one in value if one in ("", None) or is_id(one)], attr)  # type: ignore[misc]


class OneOfMany(_OnlyIds, AutocompleteSelect):
    """A search field for one row."""


class SomeOfMany(_OnlyIds, AutocompleteSelectMultiple):
    """A search field for several rows."""


def is_id(text: object) -> bool:
    """Whether it is a UUID."""
    try:
        uuid.UUID(str(text))
    except ValueError:
        return False
    return True


def _column(field: Any, label: Any) -> Callable[[Model], Any]:
    """The column of a field under our word; still sorted by the field. Yes is that word, no is nothing: crosses alarm."""
    name = field.name

    def value(row: Model) -> Any:
        shown = getattr(row, f"get_{name}_display", None)
        held = shown() if shown else getattr(row, name)
        return held if not isinstance(held, bool) else label if held else ""

    value.__name__ = name
    return admin.display(description=label, ordering=name)(value)


class OursAdmin(_Admin[M]):
    """Seen by all who may enter, in their part of the city; changed by superusers; never deleted (retire instead)."""

    actions = None
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count whole tables
    list_per_page = 50
    paginator = CountedPaginator
    changed_by_superusers = True
    # Words for columns and fields whose model has none.
    labels: Mapping[str, Any] = {}

    def get_form(self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any) -> Any:
        """With our words."""
        return super().get_form(request, obj, change=change, **{"labels": self.labels, **kwargs})

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Search fields that bear junk."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", OneOfMany(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Search fields that bear junk."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", SomeOfMany(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Columns under our words."""
        names: Any = super().get_list_display(request)
        fields = {field.name: field for field in self.model._meta.fields}
        return [self._shown(fields[name]) if name in fields else name for name in names]

    def _shown(self, field: Any) -> Any:
        ours = field.name in self.labels or isinstance(field, BooleanField)
        return _column(field, self.labels.get(field.name, field.verbose_name)) if ours else field.name

    def within(self, areas: tuple[Area, ...]) -> Q:
        """The rows that belong to these areas. Nothing, unless a subclass says it."""
        return Q(pk__in=())

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """The rows of the reader's part of the city."""
        rows: QuerySet[M] = super().get_queryset(request)
        areas = areas_of(request)
        return rows if areas is None else rows.filter(self.within(areas))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who may enter the site."""
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Who may enter the site; which rows, `get_queryset` says."""
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Superusers, where rows are made here at all."""
        return self.changed_by_superusers and request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Superusers, where rows are changed here at all."""
        return self.changed_by_superusers and request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody."""
        return False
