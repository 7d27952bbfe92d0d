"""A phone: makes ops and photos, sends them when the line allows, follows the feed. Everything it knows is in the object.

It never raises for a bad line: what could not be sent waits, and `Round.trouble` says why.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.phone import uploads
from sync.phone.api import BASE, Api, Trouble
from sync.phone.backoff import line_pause_s, op_pause_s
from sync.phone.line import Line
from sync.phone.making import Making
from sync.phone.queue import MAX_OPS, Settled
from sync.phone.shelf import Shelf
from sync.phone.store import NotAPage


@dataclass(slots=True)
class Round:
    """What one `sync` did. `trouble` is the code of what ended it early, None after a whole round."""

    settled: list[Settled] = field(default_factory=list)
    changes: int = 0
    uploaded: list[str] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    trouble: str | None = None


class Phone(Making):
    """One device. `clock` gives seconds since 1970 (a phone's clock may be wrong), `rng` ids and jitter."""

    def __init__(
        self,
        line: Line,
        *,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        language: str = "zh-hans",
    ) -> None:
        self.api = Api(line, language=language)
        super().__init__(clock=clock, rng=rng or random.Random())  # noqa: S311 - jitter and ids, no secrets
        self.memberships: list[dict[str, Any]] = []
        self.needs_login = False
        self.failures = 0
        self.rests_until = 0.0
        self.max_ops = MAX_OPS

    # --- who -----------------------------------------------------------------------------------------------

    def log_in(self, username: str, password: str, *, device_name: str = "python-phone") -> None:
        """Get a token. The shelf of that user is taken out, with what waited on it.

        :raises Trouble: `bad_credentials`, or no answer.
        """
        told = self.api.post("auth/token", {"username": username, "password": password, "device_name": device_name})
        self.api.token, self.user, self.memberships = told["token"], told["user"], told["memberships"]
        self.shelves.setdefault(told["user"]["id"], Shelf(told["user"]["id"]))
        self.needs_login = False

    def log_out(self) -> None:
        """End the token and delete the base; the unsent queue stays under the user's name."""
        try:
            self.api.ask("POST", BASE + "auth/logout", b"", {})
        except Trouble as trouble:
            if trouble.passing:
                raise
        self.shelf.log_out()
        self.api.token, self.user = None, None

    # --- the line ------------------------------------------------------------------------------------------

    def sync(self, *, limit: int | None = None) -> Round:
        """Push what is due, follow the feed to its end, send photos. Stops at the first trouble with the line."""
        done = Round()
        try:
            self.push(done)
            self.pull(done, limit=limit)
            self.upload(done)
        except Trouble as trouble:
            done.trouble = trouble.code
            self._meet(trouble)
        else:
            self.failures, self.rests_until = 0, 0.0
        if self.user is not None:
            self.shelf.free(self.clock())
        return done

    def hang_up(self) -> None:
        """Close the line; the next call opens it again."""
        self.api.line.close()

    def wakes_at(self) -> float | None:
        """When something that waits may be sent (seconds since 1970), None where nothing waits."""
        times = [at for at in (self.shelf.queue.wakes_at(), self.shelf.album.wakes_at()) if at is not None]
        return max(self.rests_until, min(times)) if times else None

    def push(self, done: Round) -> None:
        """Send ops until none is due.

        :raises Trouble: nothing left the queue but what was answered.
        """
        shelf = self.shelf
        while due := shelf.queue.due(now=self.clock(), held=shelf.ledger.kept.keys(), max_ops=self.max_ops):
            sent = {one["op_id"] for one in due}
            body = {"queued": len(shelf.queue), "photos_waiting": shelf.album.waiting(), "ops": due}
            try:
                told = self.api.post("sync/ops", body)
            except Trouble as trouble:
                if trouble.code == "too_large" and self.max_ops > 1:
                    self.max_ops = max(1, self.max_ops // 2)
                    continue
                raise
            answers = told.get("answers")
            if not isinstance(answers, list):
                raise Trouble("portal", passing=True)
            settled = shelf.queue.take(answers=answers, sent=sent, now=self.clock(), rng=self.rng)
            self._hear(told)
            for one in settled:
                shelf.ledger.enter(settled=one, stored_seq=shelf.stored_seq, now=self.clock())
                shelf.album.answered(settled=one, now=self.clock())
            done.settled += settled
            if not settled and not any(isinstance(one, dict) and one.get("op_id") in sent for one in answers):
                raise Trouble("portal", passing=True)

    def pull(self, done: Round, *, limit: int | None = None) -> None:
        """Follow the feed until `more: false`.

        :raises Trouble: the pages so far stand.
        """
        shelf, more = self.shelf, True
        while more:
            page = self.api.get("sync/changes", since=shelf.store.since, limit=limit)
            try:
                applied = shelf.store.apply(page=page, me=shelf.user, now=self.clock())
            except NotAPage as error:
                raise Trouble("portal", passing=True) from error
            self._hear(page)
            for change in page["changes"]:
                if change["type"] == "photo" and not change.get("gone"):
                    shelf.album.seen(record=change["record"], seq=change["seq"], now=self.clock())
            more, done.changes = applied.more, done.changes + applied.changes
            if applied.reset:
                done.resets.append(applied.reset)
                if applied.reset in ("epoch", "history"):
                    shelf.send_again()
                if applied.reset == "scope":
                    self.memberships = self.api.get("me")["memberships"]
                if shelf.store.too_many_resets(self.clock()):
                    raise Trouble("resets", passing=True, asked_s=60.0)

    def upload(self, done: Round) -> None:
        """Send the photos that are due, each from where the server stands.

        :raises Trouble: the line broke; the next call goes on from the server's offset.
        """
        for photo in self.shelf.album.due(self.clock()):
            sent = uploads.send(photo=photo, ask=self.api.tus, base=BASE + "sync/photos/")
            if sent.done:
                photo.state, photo.acknowledged_at, photo.code = "acknowledged", self.clock(), None
                done.uploaded.append(photo.photo)
                continue
            pause = 3600.0 if sent.final else op_pause_s(tries=photo.tries + 1, asked_s=sent.asked_s, rng=self.rng)
            photo.rest(until=self.clock() + pause, code=sent.code)

    def digest_agrees(self) -> bool | None:
        """Whether the server reckons the same digest for this reader; None where it has moved on meanwhile."""
        copy = self.shelf.store.first
        try:
            told = self.api.get("sync/digest", at=copy.cursor)
        except Trouble as trouble:
            if trouble.code == "moved_on":
                return None
            raise
        return copy.digest() == (told["count"], told["digest"])

    # --- inside ----------------------------------------------------------------------------------------------

    def _hear(self, told: Mapping[str, Any]) -> None:
        shelf = self.shelf
        shelf.stored_seq = int(told.get("stored_seq") or 0)
        shelf.safe_seq = int(told.get("safe_seq") or 0)

    def _meet(self, trouble: Trouble) -> None:
        """What a trouble means for this phone: wait, ask for a login, wipe, or note what a closed account took."""
        told = (trouble.reply.json() if trouble.reply else None) or {}
        if trouble.reply is not None and trouble.reply.status == 401:
            self.needs_login = True
        elif trouble.code == "device_revoked":  # the phone was lost: nothing of anybody stays on it
            self.shelves, self.user, self.api.token, self.needs_login = {}, None, None, True
        elif trouble.code == "account_closed":
            taken = {str(one) for one in told.get("taken") or []}
            self.shelf.queue.take_away(taken)
            missing = told.get("missing_photos") or []
            self.shelf.album.taken(op_ids=taken, missing=missing, now=self.clock())
        self.failures += 1
        pause = line_pause_s(failures=self.failures, asked_s=trouble.asked_s, rng=self.rng)
        self.rests_until = self.clock() + pause
