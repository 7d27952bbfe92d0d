"""The reckoning: is everything that was acknowledged there, once, and do all phones agree with a fresh one?

Asks the server as any client would; finds, and never mends.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.phone import HttpLine, Phone
from sync.phone.ops import declared_in
from sync.phone.phone import Round
from sync.phone.queue import Settled
from sync.simulation.play import Plan
from sync.simulation.player import Player

EFFECTIVE = ("applied", "merged")
BATCH = 100
WITHOUT_RECEIPT = ("malformed", "op_too_large", "op_id_reused")


@dataclass
class Reckoning:
    """`missing`, `doubled`, `changed`: one sentence each; empty when all is well."""

    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unanswered: int = 0
    photos_sent: int = 0
    photos_stored: int = 0
    phones: int = 0
    agreeing: int = 0
    records: int = 0

    @property
    def holds(self) -> bool:
        """Nothing acknowledged is missing or doubled, and every phone agrees."""
        found = self.missing or self.doubled or self.changed or self.unanswered
        return not found and self.agreeing == self.phones


def reckon(plan: Plan, players: Sequence[Player]) -> Reckoning:
    """Compare what was acknowledged with what the server gives a newcomer.

    :raises Trouble: the server did not answer now.
    """
    told = Reckoning(unanswered=sum(len(player.phone.shelf.queue) + player.phone.shelf.album.waiting() for player in players))
    overseer = _newcomer(plan, "supervisor")
    _wait_for_pictures(plan, players, overseer)
    _ops(told, players, overseer)
    _photos(told, players, overseer)
    overseer.hang_up()
    _repeats(told, players)
    _digests(told, plan, players)
    return told


def _newcomer(plan: Plan, username: str) -> Phone:
    """A phone with an empty store that has loaded everything."""
    phone = Phone(HttpLine(plan.url, verify=plan.verify_tls), rng=random.SystemRandom())
    phone.log_in(username, plan.password, device_name="reckoning")
    phone.pull(Round(), limit=1000)
    return phone


def _wait_for_pictures(plan: Plan, players: Sequence[Player], overseer: Phone) -> None:
    """Renditions are made beside the requests: give them time to come."""
    until = time.monotonic() + plan.patience_s
    sent = {photo for player in players for photo in player.promised()}
    while time.monotonic() < until:
        overseer.pull(Round(), limit=1000)
        states = {one["id"]: one["state"] for one in overseer.shelf.store.all("photo")}
        if all(states.get(photo) not in ("declared", "received") for photo in sent):
            return
        time.sleep(0.5)


def _all(players: Sequence[Player]) -> Iterator[tuple[Player, Settled]]:
    for player in players:
        for one in player.acknowledged:
            yield player, one


def _ops(told: Reckoning, players: Sequence[Player], overseer: Phone) -> None:
    """Every acknowledged op left exactly its traces: an incident, a comment, so many edits and steps by that person."""
    store = overseer.shelf.store
    conflicts = {one["id"]: one for one in store.all("conflict")}
    wanted: Counter[tuple[str, str, str]] = Counter()
    for player, one in _all(players):
        told.missing += [f"conflict {each['id']}" for each in one.answer.get("conflicts") or [] if each["id"] not in conflicts]
        if one.outcome not in EFFECTIVE or one.answer.get("seq") is None:
            continue
        op, kind, me = one.op, str(one.op["kind"]), player.phone.shelf.user
        if kind == "incident.report" and store.get("incident", op["incident"]) is None:
            told.missing.append(f"incident {op['incident']}")
        elif kind == "incident.comment" and (store.get("event", op["comment"]) or {}).get("text") != op["text"]:
            told.missing.append(f"comment {op['comment']}")
        elif kind == "conflict.resolve" and conflicts.get(op["conflict"], {}).get("state") == "open":
            told.missing.append(f"the end of conflict {op['conflict']}")
        traces = {"incident.report": "submit", "incident.edit": "edit", "incident.comment": "comment", "photo.add": "photo"}
        trace = str(op["action"]) if kind == "incident.act" else traces.get(kind)
        if trace:
            wanted[op["incident"], me, trace] += 1
    mine = {incident for incident, _, _ in wanted}
    found: Counter[tuple[Any, ...]] = Counter(
        (event["incident"], (event["by"] or {}).get("user"), event["type"]) for event in store.all("event") if event["incident"] in mine
    )
    for (incident, who, name), count in wanted.items():
        if found[incident, who, name] < count:
            told.missing.append(f"{name} on {incident}: {found[incident, who, name]} of {count}")
    ours = {player.phone.shelf.user for player in players}
    born = {one.op["incident"] for _, one in _all(players) if one.op["kind"] == "incident.report"}
    counted = ("submit", "edit", "comment", "photo")
    for (incident, who, name), count in found.items():
        if incident in born and who in ours and name in counted and count > wanted[incident, who, name]:
            told.doubled.append(f"{name} on {incident}: {count} instead of {wanted[incident, who, name]}")


def _photos(told: Reckoning, players: Sequence[Player], overseer: Phone) -> None:
    """Every photo whose last byte was acknowledged is stored, and its picture can be read."""
    records = {one["id"]: one for one in overseer.shelf.store.all("photo")}
    hashes: Counter[tuple[str, str]] = Counter((one["incident"], one["sha256"]) for one in records.values())
    told.doubled += [f"photo {sha256[:12]} on {incident}: {count} records" for (incident, sha256), count in hashes.items() if count > 1]
    for _, one in _all(players):
        if one.outcome in EFFECTIVE:
            told.missing += [f"photo {each['photo']} (declared)" for each in declared_in(one.op) if each["photo"] not in records]
    for player in players:
        for photo in player.promised():
            told.photos_sent += 1
            state = records.get(photo, {}).get("state")
            if state != "stored":
                told.missing.append(f"photo {photo}: {state}")
            elif (reply := overseer.api.picture(photo)).status != 200 or not reply.headers.get("content-type", "").startswith("image/"):
                told.missing.append(f"picture of photo {photo}: {reply.status}")
            else:
                told.photos_stored += 1


def _repeats(told: Reckoning, players: Sequence[Player]) -> None:
    """Everything sent once more: every answer must be the first one again, and nothing may happen."""
    for player in players:
        for start in range(0, len(player.acknowledged), BATCH):
            part = [one for one in player.acknowledged[start : start + BATCH] if one.answer.get("code") not in WITHOUT_RECEIPT]
            answers = player.phone.api.post("sync/ops", {"ops": [one.op for one in part]})["answers"] if part else []
            for one, answer in zip(part, answers, strict=True):
                if not answer["repeated"]:
                    told.missing.append(f"the receipt of {one.op['op_id']}: {answer['outcome']} {answer['code']}")
                elif any(answer[key] != one.answer[key] for key in ("outcome", "code", "seq", "number", "version")):
                    told.changed.append(f"the answer to {one.op['op_id']}: {_short(one.answer)}, then {_short(answer)}")


def _short(answer: Any) -> str:
    return f"{answer['outcome']} {answer['code']} seq {answer['seq']}"


def _digests(told: Reckoning, plan: Plan, players: Sequence[Player]) -> None:
    """Each phone has exactly what a newcomer of the same account has, and what the server reckons."""
    fresh: dict[str, tuple[int, str]] = {}
    for player in players:
        told.phones += 1
        player.phone.pull(Round(), limit=1000)
        if player.username not in fresh:
            newcomer = _newcomer(plan, player.username)
            newcomer.hang_up()
            fresh[player.username] = newcomer.shelf.store.first.digest()
            told.records = max(told.records, fresh[player.username][0])
        store = player.phone.shelf.store
        told.changed += [f"phone {player.number + 1}: {odd}" for odd in store.oddities[:3]]
        if store.first.digest() == fresh[player.username] and player.phone.digest_agrees() is True:
            told.agreeing += 1
