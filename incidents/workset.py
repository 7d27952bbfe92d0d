"""The rows that some ops touch: loaded and locked once, changed in memory, stored once (the `Facts` of the rules).

The number of statements does not depend on the number of ops: one a table that is needed at all.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from gridgov.feed.commit import Batch
from gridgov.feed.rows import key_of
from gridgov.feed.sql import any_of, in_order, run
from gridgov.feed.tables import uuid_text
from grids.locate import Locator
from grids.queries import UnitTree, desks_of
from grids.scope import Actor, Levels
from incidents import history
from incidents.locking import for_update, lock_incidents
from incidents.moving import move_children
from incidents.rules import ops as shapes
from incidents.rules import rows
from incidents.rules.decide import Decision
from incidents.rules.decide.facts import CellLike, LocatedLike
from incidents.rules.decide.give_up import is_parked_report, unborn
from incidents.rules.fields import Point
from incidents.rules.ops import Op, Read, named_case
from incidents.rules.raw import declared_in
from incidents.rules.workflow import OPEN
from incidents.tables import CONFLICTS, CONTENTS, EVENTS, INCIDENTS, NOTICES, PHOTOS
from incidents.wire import archived, conflict_row, event_row, incident_row, notice_row, photo_row, unread


class Workset:
    """State at the beginning, and what the ops so far have made of it."""

    def __init__(
        self, *, actor: Actor, now: dt.datetime, day: dt.date, locator: Locator, units: UnitTree,
        categories: dict[str, rows.Category], located: dict[Point, LocatedLike], numbers: dict[str, list[str]],
    ) -> None:  # fmt: skip
        self.actor, self.now, self.day = actor, now, day
        self._locator, self._units, self._categories = locator, units, categories
        self._located, self._numbers = located, {k: list(v) for k, v in numbers.items()}
        self._incidents: dict[str, rows.Incident] = {}
        self._before: dict[str, rows.Incident] = {}
        self._new: set[str] = set()
        self._touched: set[str] = set()
        self._changed: set[str] = set()
        self._events: list[tuple[rows.Event, rows.EventContent | None]] = []
        self._event_ids: set[str] = set()
        self._later: dict[str, list[rows.Event]] = {}
        self._photos: dict[str, rows.Photo] = {}
        self._photos_new: dict[str, rows.Photo] = {}
        self._photos_changed: dict[str, rows.Photo] = {}
        self._conflicts: dict[str, rows.Conflict] = {}
        self._conflicts_new: dict[str, rows.Conflict] = {}
        self._conflicts_changed: dict[str, rows.Conflict] = {}
        self._notices: list[rows.Notice] = []
        self._delivered: set[tuple[str, str]] = set()
        self._people: set[str] = set()
        self._parked_reports: dict[str, rows.Incident] = {}
        self._desks: dict[str, tuple[str, ...]] = {}

    # --- loading -----------------------------------------------------------------------------------------------

    def load(self, reads: Sequence[Read], *, hashes: Iterable[str]) -> None:
        """Everything that these ops need, and whether the actor has brought these hashes. Lock order: incidents by id, then the rest."""
        ops = [read.op for read in reads]
        incidents = {key for op in ops if (key := named_case(op)) is not None}
        resolves = in_order(op.conflict for op in ops if isinstance(op, shapes.Resolve))
        photos = {p.photo for op in ops for p in shapes.declared(op)} | {op.photo for op in ops if isinstance(op, shapes.PhotoWithdraw)}
        withdrawn = in_order(op.photo for op in ops if isinstance(op, shapes.PhotoWithdraw))
        if resolves or withdrawn:
            query = (
                f"SELECT incident FROM incidents_conflict WHERE {any_of('id', 'ids')} "
                f"UNION SELECT incident FROM incidents_photo WHERE {any_of('id', 'photos')}"
            )
            incidents |= {uuid_text(row[0]) for row in run(query, {"ids": resolves, "photos": withdrawn})}
        self._incidents = lock_incidents(incidents)
        self._before = dict(self._incidents)
        self._load_conflicts(resolves, incidents - {op.incident for op in ops if isinstance(op, shapes.Report)})
        handed = [c.args for c in self._conflicts.values() if c.kind == "handover" and isinstance(c.args, dict)]
        photos |= {p.photo for args in handed for p in declared_in(args)}
        self._load_desks(ops, handed)
        self._load_photos(ops, photos, hashes)
        self._load_rest(ops, handed)

    def _load_photos(self, ops: Sequence[Op], photos: set[str], hashes: Iterable[str]) -> None:
        guarded = in_order(op.incident for op in ops if isinstance(op, shapes.Act))
        guarded += [c.incident for c in self._conflicts.values() if c.kind in ("action", "handover")]
        guarded = [key for key in guarded if key in self._incidents]
        if photos or guarded:
            where = f"{any_of('id', 'ids')} OR {any_of('incident', 'cases')}"
            found = PHOTOS.select(f"{where} ORDER BY id{for_update()}", ids=in_order(photos), cases=guarded)
            self._photos = {photo.id: photo for photo in found}
        brought = {(self.actor.user, sha256) for sha256 in hashes}
        for conflict in self._conflicts.values():
            if conflict.kind == "handover" and isinstance(conflict.args, dict):
                brought |= {(conflict.by, p.sha256) for p in declared_in(conflict.args)}
        if brought:
            quoted = '"user"'  # a reserved word
            where = f"{any_of(quoted, 'users')} AND {any_of('sha256', 'hashes', 'text')}"
            query = f"SELECT {quoted}, sha256 FROM incidents_delivery WHERE {where}"
            found_rows = run(query, {"users": in_order(u for u, _ in brought), "hashes": in_order(h for _, h in brought)})
            self._delivered = {(uuid_text(user), sha256) for user, sha256 in found_rows}

    def _load_conflicts(self, resolves: list[str], incidents: Iterable[str]) -> None:
        """What is to be resolved, and reports that were parked whole where there is no case of that id."""
        missing = in_order(key for key in incidents if key not in self._incidents)
        if resolves or missing:
            parked = f"{any_of('incident', 'missing')} AND kind = 'handover' AND code = 'internal'"
            where = f"{any_of('id', 'ids')} OR ({parked}) ORDER BY parked_at, id{for_update()}"
            wanted = set(resolves)
            for conflict in CONFLICTS.select(where, ids=resolves, missing=missing):
                if conflict.id in wanted:
                    self._conflicts[conflict.id] = conflict
                if conflict.incident not in self._incidents:
                    self._keep_parked(conflict)

    def _keep_parked(self, conflict: rows.Conflict) -> None:
        if is_parked_report(conflict) and conflict.incident not in self._parked_reports:
            self._parked_reports[conflict.incident] = unborn(conflict, self)

    def _load_desks(self, ops: Sequence[Op], handed: Sequence[dict[str, Any]]) -> None:
        """Who hears of additions to closed cases."""
        added = {op.incident for op in ops if isinstance(op, shapes.Comment | shapes.PhotoAdd)}
        added |= {key for args in handed if isinstance(key := args.get("incident"), str)}
        closing = {op.incident for op in ops if isinstance(op, shapes.Act)}
        cases = [self._incidents[key] for key in added if key in self._incidents]
        units = in_order(case.owner_unit for case in cases if case.state not in OPEN or case.id in closing)
        self._desks = desks_of(units=units, day=self.day) if units else {}

    def _load_rest(self, ops: Sequence[Op], handed: list[dict[str, Any]]) -> None:
        stale: dict[str, int] = {}
        for op in ops:
            if isinstance(op, shapes.Edit | shapes.Act):
                key = op.incident
            elif isinstance(op, shapes.Resolve) and op.conflict in self._conflicts:
                key = self._conflicts[op.conflict].incident
            else:
                continue
            if key in self._incidents and op.base_version < self._incidents[key].version:
                stale[key] = min(op.base_version, stale.get(key, op.base_version))
        for args in handed:
            named, version = args.get("incident"), args.get("base_version")
            if isinstance(named, str) and named in self._incidents and isinstance(version, int):
                stale[named] = min(version, stale.get(named, version))
        if stale:
            found = EVENTS.select(
                f"{any_of('incident', 'ids')} AND version > %(least)s ORDER BY incident, n", ids=in_order(stale), least=min(stale.values())
            )  # fmt: skip
            for event in found:
                self._later.setdefault(event.incident, []).append(event)
        comments = {op.comment for op in ops if isinstance(op, shapes.Comment)}
        comments |= {args["comment"] for args in handed if isinstance(args.get("comment"), str)}
        people = {op.to for op in ops if isinstance(op, shapes.Comment) and isinstance(op.to, str)}
        people |= {args["to"] for args in handed if isinstance(args.get("to"), str)}
        if comments:
            query = f"SELECT 'event', id FROM incidents_event WHERE {any_of('id', 'ids')}"
            sent = {"ids": in_order(comments)}
            if people:
                query += f" UNION ALL SELECT 'user', id FROM grids_user WHERE {any_of('id', 'people')}"
                sent["people"] = in_order(people)
            for kind, key in run(query, sent):
                (self._event_ids if kind == "event" else self._people).add(uuid_text(key))

    def know_photos(self, photos: Iterable[rows.Photo]) -> None:
        """Photos that a caller has read already."""
        self._photos.update((photo.id, photo) for photo in photos)

    # --- facts -------------------------------------------------------------------------------------------------

    def incident(self, key: str) -> rows.Incident | None:
        return self._incidents.get(key)

    def unborn(self, key: str) -> rows.Incident | None:
        return self._parked_reports.get(key)

    def desk_of(self, unit: str) -> tuple[str, ...]:
        return self._desks.get(unit, ())

    def event_exists(self, key: str) -> bool:
        return key in self._event_ids

    def photo(self, key: str) -> rows.Photo | None:
        return self._photos.get(key)

    def conflict(self, key: str) -> rows.Conflict | None:
        return self._conflicts.get(key)

    def photos_of(self, incident: str) -> list[rows.Photo]:
        return [photo for photo in self._photos.values() if photo.incident == incident]

    def delivered(self, user: str, sha256: str) -> bool:
        return (user, sha256) in self._delivered

    def later_events(self, incident: str, version: int) -> list[rows.Event]:
        return [event for event in self._later.get(incident, []) if event.version > version]

    def category(self, code: str) -> rows.Category | None:
        return self._categories.get(code)

    def located(self, point: Point) -> LocatedLike:
        found = self._located.get(point)
        if found is None:
            found = self._located[point] = self._locator.one(point.lng, point.lat)
        return found

    def cell(self, key: str) -> tuple[CellLike, Point] | None:
        cell = self._locator.by_id.get(key)
        return None if cell is None else (cell, Point(*cell.inner))

    def chain(self, unit: str) -> tuple[str, ...]:
        return self._units.chain(unit)

    def owner_of(self, cell: Levels) -> str:
        owner = self._units.owner_of(cell.cell, cell.community, cell.street, cell.district)
        if owner is None:
            raise LookupError("no unit owns this place, and the city has no centre")
        return owner

    def person_exists(self, key: str) -> bool:
        return key in self._people

    def number(self, cell: CellLike) -> str:
        return self._numbers[cell.path_codes[0]].pop(0)

    # --- what an op does ---------------------------------------------------------------------------------------

    def apply(self, decision: Decision, op: Op) -> frozenset[str]:
        """Take a decision over; the feed keys of the records that it changed."""
        keys: set[str] = set()
        incident = decision.incident
        if incident is not None:
            if incident.id not in self._incidents:
                self._new.add(incident.id)
            if decision.changed:
                self._changed.add(incident.id)
                keys.add(key_of("incident", incident.id))
            for draft in decision.drafts:
                incident, event, content = history.append(draft, incident=incident, actor=self.actor, op=op, now=self.now)
                self._events.append((event, content))
                self._event_ids.add(event.id)
                self._later.setdefault(incident.id, []).append(event)
                self._touched.add(incident.id)
                keys.add(key_of("event", event.id))
            self._incidents[incident.id] = incident
        for conflict in decision.conflicts:
            self._conflicts[conflict.id] = self._conflicts_new[conflict.id] = conflict
            if conflict.incident not in self._incidents:
                self._keep_parked(conflict)
            keys.add(key_of("conflict", conflict.id))
        for conflict in decision.ended:
            self._conflicts[conflict.id] = conflict
            (self._conflicts_new if conflict.id in self._conflicts_new else self._conflicts_changed)[conflict.id] = conflict
            keys.add(key_of("conflict", conflict.id))
        for photo in decision.photos:
            self._photos[photo.id] = self._photos_new[photo.id] = photo
            keys.add(key_of("photo", photo.id))
        for photo in decision.changed_photos:
            self._photos[photo.id] = photo
            (self._photos_new if photo.id in self._photos_new else self._photos_changed)[photo.id] = photo
            keys.add(key_of("photo", photo.id))
        for notice in decision.notices:
            self._notices.append(notice)
            keys.add(key_of("notice", notice.id))
        return frozenset(keys)

    # --- storing -----------------------------------------------------------------------------------------------

    def fill(self, batch: Batch) -> None:
        """Everything that changed, into one commit."""
        touched = self._touched | self._changed
        batch.insert(INCIDENTS, [self._incidents[key] for key in touched if key in self._new])
        batch.replace(INCIDENTS, [self._incidents[key] for key in touched if key not in self._new])
        move_children(batch, cases=[(self._before[key], self._incidents[key]) for key in sorted(self._changed) if key in self._before])
        for key in sorted(self._changed):
            batch.publish(incident_row(self._incidents[key]))
        batch.insert(EVENTS, [event for event, _ in self._events])
        batch.insert(CONTENTS, [content for _, content in self._events if content is not None])
        for event, content in self._events:
            batch.prove(event.hash)
            case = self._incidents[event.incident]
            # What is archived has left the feed: its additions have no readers there, but a place in the chain.
            row = event_row(event, content, case)
            batch.publish(row if case.archived_at is None else unread(row))
        batch.insert(CONFLICTS, self._conflicts_new.values())
        batch.replace(CONFLICTS, self._conflicts_changed.values())
        for conflict in (*self._conflicts_new.values(), *self._conflicts_changed.values()):
            case = self._incidents.get(conflict.incident) or self._parked_reports[conflict.incident]
            row = conflict_row(conflict, case)
            # What is parked after its case was archived waits for a person all the same; once ended it goes as the case did.
            batch.publish(row if case.archived_at is None or conflict.state == "open" else archived(row))
        batch.insert(PHOTOS, self._photos_new.values())
        batch.replace(PHOTOS, self._photos_changed.values())
        for photo in (*self._photos_new.values(), *self._photos_changed.values()):
            if self._incidents[photo.incident].archived_at is None:
                batch.publish(photo_row(photo, self._incidents[photo.incident]))
        batch.insert(NOTICES, self._notices)
        for notice in self._notices:
            batch.publish(notice_row(notice))
