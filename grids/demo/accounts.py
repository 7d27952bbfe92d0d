"""The demo's units and people (protocol §9): centres of all four levels, departments of each district, one account a role.

Writes through the ORM only; the caller owns the transaction. Not for production: the command refuses.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_DNS, UUID, uuid5

from django.contrib.auth.hashers import make_password
from django.db.models import Q

from grids.models import City, Membership, OrgUnit, Place, User
from grids.rules.city import short_name

NAMESPACE: Final = uuid5(NAMESPACE_DNS, "demo.gridgov")
SINCE: Final = dt.date(2026, 1, 1)
CITY_NAME: Final = "西安市"
FIRST_DISTRICT, SECOND_DISTRICT = "610104", "610113"

DEPARTMENTS: Final = (
    ("urban", "城市管理和综合执法局", OrgUnit.Kind.ENFORCEMENT),
    ("police", "公安分局", OrgUnit.Kind.DEPARTMENT),
    ("housing", "住房和城乡建设局", OrgUnit.Kind.DEPARTMENT),
    ("water", "水务局", OrgUnit.Kind.DEPARTMENT),
    ("environment", "生态环境分局", OrgUnit.Kind.DEPARTMENT),
    ("market", "市场监督管理局", OrgUnit.Kind.DEPARTMENT),
)


class Account(NamedTuple):
    """A demo account: its name on the screen, its role, and where: a level of the first demo community's chain, or `other`."""

    name: str
    role: str | None
    where: str


# In the order in which they are printed.
ACCOUNTS: Final = {
    "worker": Account("王小格", Membership.Role.WORKER, "community"),
    "secretary": Account("李书记", Membership.Role.SECRETARY, "community"),
    "handler": Account("赵经办", Membership.Role.HANDLER, "urban"),
    "operator": Account("陈坐席", Membership.Role.OPERATOR, "street"),
    "district-admin": Account("周管理", Membership.Role.ADMIN, "district"),
    "worker2": Account("刘小格", Membership.Role.WORKER, "other"),
    "supervisor": Account("孙督查", Membership.Role.SUPERVISOR, "city"),
    "admin": Account("系统管理员", None, "city"),
}


def demo_id(*, seed: int, kind: str, code: str) -> UUID:
    """The id of something of the demo: the same for the same seed, for ever."""
    return uuid5(NAMESPACE, f"{seed}:{kind}:{code}")


def make_units(*, places: Mapping[str, Place], seed: int) -> list[OrgUnit]:
    """The city's centre, a centre for each place above the cells, departments of each district; all stored."""

    def unit(what: str, code: str, **fields: Any) -> OrgUnit:
        return OrgUnit(id=demo_id(seed=seed, kind=what, code=code), **fields)

    city = unit("centre", "city", name=f"{CITY_NAME}网格中心", kind=OrgUnit.Kind.CENTRE, level=OrgUnit.Level.CITY)
    tiers: dict[str, list[OrgUnit]] = {level: [] for level in ("district", "street", "community")}
    centres: dict[UUID, OrgUnit] = {}
    departments = []
    for place in places.values():  # parents first
        if place.level not in tiers:
            continue
        above = city if place.parent_id is None else centres[place.parent_id]
        name = f"{short_name(name=place.name)}{'网格服务站' if place.level == 'community' else '网格中心'}"
        centre = unit("centre", place.code, name=name, kind=OrgUnit.Kind.CENTRE, level=place.level, parent=above, place=place)
        centres[place.pk] = centre
        tiers[place.level].append(centre)
        if place.level == "district":
            departments += [
                unit(key, place.code, name=f"{place.name}{title}", kind=kind, level="district", parent=centre, place=place)
                for key, title, kind in DEPARTMENTS
            ]
    made = []
    for tier in ([city], *tiers.values(), departments):  # a tier at a time: parents are there before children point at them
        made += OrgUnit.objects.bulk_create(tier, batch_size=500)
    return made


def demo_community(*, places: Sequence[Place], district: str) -> Place:
    """The community of the demo accounts in that district: the first with at least three cells, else with most."""
    cells = Counter(place.community for place in places if place.level == "grid")
    mine = sorted((p for p in places if p.level == "community" and p.code.startswith(district)), key=lambda p: p.code)
    return next((p for p in mine if cells[p.sid] >= 3), max(mine, key=lambda p: cells[p.sid]))


def make_people(*, places: Mapping[str, Place], seed: int, password: str) -> None:
    """The demo accounts with their memberships. An account of that name that is there already is taken over."""
    rows = list(places.values())
    community = demo_community(places=rows, district=FIRST_DISTRICT)
    other = demo_community(places=rows, district=SECOND_DISTRICT)
    by_pk = {place.pk: place for place in rows}
    street = by_pk[community.parent_id]
    district = by_pk[street.parent_id]
    where: dict[str, tuple[str, str, Place | None]] = {
        "community": ("centre", community.code, community),
        "street": ("centre", street.code, street),
        "district": ("centre", district.code, district),
        "urban": ("urban", district.code, district),
        "other": ("centre", other.code, other),
        "city": ("centre", "city", None),
    }
    hashed = make_password(password)
    for username, account in ACCOUNTS.items():
        user, _ = User.objects.update_or_create(
            username=username,
            defaults={
                "name": account.name, "password": hashed, "is_active": True,
                "is_staff": username in ("admin", "district-admin"), "is_superuser": username == "admin",
            },
            create_defaults={
                "id": demo_id(seed=seed, kind="user", code=username), "name": account.name, "password": hashed,
                "is_staff": username in ("admin", "district-admin"), "is_superuser": username == "admin",
            },
        )  # fmt: skip
        if account.role is not None:
            kind, code, place = where[account.where]
            Membership.objects.update_or_create(
                id=demo_id(seed=seed, kind="membership", code=username),
                defaults={
                    "user": user, "unit_id": demo_id(seed=seed, kind=kind, code=code), "role": account.role,
                    "place": place, "since": SINCE, "until": None,
                },
            )  # fmt: skip


def set_demo_password(*, password: str) -> None:
    """This password for the demo accounts that do not have it yet. No effect on others, or where there are none."""
    waiting = [user for user in User.objects.filter(username__in=ACCOUNTS) if not user.check_password(password)]
    if waiting:
        hashed = make_password(password)
        for user in waiting:
            user.password = hashed
        User.objects.bulk_update(waiting, ["password"])


def has_demo(*, seed: int, city: str = CITY_NAME) -> bool:
    """Whether the demo of that seed stands here, with its people."""
    return (
        City.objects.filter(pk=1, name=city).exists()
        and Membership.objects.filter(id=demo_id(seed=seed, kind="membership", code="worker")).exists()
        and OrgUnit.objects.filter(Q(id=demo_id(seed=seed, kind="centre", code="city"))).exists()
    )
