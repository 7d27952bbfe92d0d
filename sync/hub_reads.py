"""What the hub asks the database, one statement a question, whatever the number of sockets. Reads only; blocks."""

import datetime as dt
from collections.abc import Iterable

import msgspec

from gridgov.feed.sql import any_of, run
from gridgov.feed.tables import uuid_text
from grids.queries import city_day, grants_of, warm_grants
from grids.scope import Audience, Scope
from sync.auth import TOKEN_DAYS, utc

# Rows of the feed in one look: a bulk load of places is told in portions.
AT_ONCE = 2_000

_NEWS = """
SELECT r.seq, r.type, r.district, r.street, r.community, r.cell, r.internal, r.person, e.audience
FROM feed_feedrow r LEFT JOIN feed_feedextra e ON e.key = r.key
WHERE r.seq + 0 > CAST(%(after)s AS bigint) AND r.seq + 0 <= CAST(%(until)s AS bigint) ORDER BY r.seq + 0
"""
_CREDENTIALS = """
SELECT d.id, d.token_hash, d.session_key, d.revoked_at, d.used_on, u.is_active, s.expire_date
FROM sync_device d JOIN grids_user u ON u.id = d.user_id LEFT JOIN django_session s ON s.session_key = d.session_key WHERE
"""


class Standing(msgspec.Struct, frozen=True):
    """The head: whose history, how far, and by which version of places and memberships."""

    epoch: str
    seq: int
    ground: int


class News(msgspec.Struct, frozen=True):
    """Records that were changed: (seq, type, audience), ascending, complete up to `until`."""

    standing: Standing
    until: int
    rows: list[tuple[int, str, Audience]]


class Held(msgspec.Struct, frozen=True):
    """A credential that is good now: what a socket must hold to stay open."""

    token_hash: str | None
    session_key: str | None


def read_standing() -> Standing:
    """The head as committed."""
    epoch, seq, ground = run("SELECT epoch, seq, ground FROM feed_head WHERE id = 1", {})[0]
    return Standing(epoch=uuid_text(epoch), seq=seq, ground=ground)


def read_news(after: int | None) -> News:
    """What was committed behind `after`; nothing where nothing was (then it is one statement), or where `after` is None."""
    standing = read_standing()
    if after is None or standing.seq <= after:
        return News(standing, standing.seq, [])
    until = min(standing.seq, after + AT_ONCE)
    rows: dict[int, tuple[str, Audience]] = {}
    for seq, kind, district, street, community, cell, internal, person, extra in run(_NEWS, {"after": after, "until": until}):
        more = () if extra is None else (extra,)
        if seq in rows:  # the same record with another of its keys
            known = rows[seq][1]
            rows[seq] = (kind, msgspec.structs.replace(known, extra=known.extra + more))
        else:
            reader = None if person is None else uuid_text(person)
            rows[seq] = (kind, Audience(district, street, community, cell, bool(internal), reader, more))
    return News(standing, until, [(seq, kind, audience) for seq, (kind, audience) in rows.items()])


def read_scopes(users: Iterable[str], *, ground: int, now: dt.datetime) -> dict[str, Scope]:
    """The scopes of these users today."""
    day, wanted = city_day(now), sorted(set(users))
    warm_grants(users=wanted, ground=ground, day=day)
    return {user: grants_of(user=user, ground=ground, day=day)[0] for user in wanted}


def read_credentials(devices: Iterable[str], *, now: dt.datetime) -> dict[str, Held]:
    """Of these devices, those that may still be used, by the rules of `sync.auth.actor_of`."""
    oldest = city_day(now) - dt.timedelta(days=TOKEN_DAYS)
    good: dict[str, Held] = {}
    for device, token_hash, session_key, revoked_at, used_on, active, ends in run(
        _CREDENTIALS + any_of("d.id", "ids"), {"ids": sorted(set(devices))}
    ):
        if revoked_at is not None or not active:
            continue
        if isinstance(used_on, str):
            used_on = dt.date.fromisoformat(used_on)
        ends = utc(ends)
        good[uuid_text(device)] = Held(
            token_hash=token_hash if used_on >= oldest else None,
            session_key=session_key if ends is not None and ends > now else None,
        )
    return good
