"""One simulated person with a phone or a desk: what they do next, by their role. All their changes are ops of their phone."""

import random
from dataclasses import dataclass, field
from typing import Any

from sync.phone import Phone
from sync.phone.album import ACKNOWLEDGED, STORED
from sync.phone.ops import declared_in
from sync.phone.phone import Round
from sync.phone.queue import Settled
from sync.phone.store import Record
from sync.simulation.scenery import ANSWERED, SAID, description, picture
from sync.simulation.tally import Tally
from sync.simulation.town import Town

DESKS = ("secretary", "operator")
TEXTS = {"sentence": "请向供水公司反映", "office": "供水公司", "note": "现场已处理", "reason": "not_ours", "outcome": "fixed"}


@dataclass
class Player:
    """`acknowledged` is what the server has promised to keep: the reckoning asks for all of it.

    `rng` makes the choices, the phone's own randomness ids and pictures: those must be new in every run.
    """

    number: int
    username: str
    phone: Phone
    town: Town
    tally: Tally
    rng: random.Random
    with_photos: bool = True
    picture_side: int = 320
    acknowledged: list[Settled] = field(default_factory=list)

    @property
    def role(self) -> str:
        """Their first role, `watcher` without one."""
        return str(self.phone.memberships[0]["role"]) if self.phone.memberships else "watcher"

    # --- what they do ---------------------------------------------------------------------------------------

    def move(self) -> None:
        """One thing that this person does now; it waits in the queue."""
        if self.role == "worker":
            self._choose((self._report, 45), (self._edit, 25), (self._comment, 20), (self._add_photo, 10))
        elif self.role in DESKS:
            self._choose((self._decide, 45), (self._edit, 20), (self._comment, 15), (self._settle_conflict, 20))
        elif self.role == "supervisor":
            self._choose((self._comment, 30), (lambda: None, 70))

    def _choose(self, *moves: tuple[Any, int]) -> None:
        self.rng.choices([one for one, _ in moves], [weight for _, weight in moves])[0]()

    def _report(self) -> None:
        if not self.town.cells:
            return
        pictures = (
            [picture(self.phone.rng, side=self.picture_side) for _ in range(self.rng.choice((0, 1, 1, 2, 3)))] if self.with_photos else []
        )
        category = self.rng.choice(self.town.categories)
        op = self.phone.report(
            category=category,
            position=self.town.position(self.rng),
            description=description(self.rng, category),
            urgent=self.rng.random() < 0.1,
            pictures=pictures,
        )
        self.tally.photo("declared", len(declared_in(op)))

    def _edit(self) -> None:
        # Of the newest cases, so that several people meet on the same ones: that is where conflicts come from.
        if case := self._pick(open_only=self.rng.random() < 0.9):
            name = self.rng.choice(("description", "description", "urgent", "address"))
            value: Any = {
                "description": description(self.rng, str(case.get("category"))),
                "address": f"{self.rng.randrange(1, 30)}号楼{self.rng.randrange(1, 7)}单元",
            }.get(name, not case.get("urgent"))
            self.phone.edit(case["id"], {name: value})

    def _comment(self) -> None:
        if case := self._pick():
            self.phone.comment(case["id"], self.rng.choice(ANSWERED if self.role in DESKS else SAID))

    def _add_photo(self) -> None:
        if self.with_photos and (case := self._pick()):
            self.phone.add_photo(
                case["id"], picture(self.phone.rng, side=self.picture_side), stage=self.rng.choice(("before", "during", "after"))
            )
            self.tally.photo("declared")

    def _decide(self) -> None:
        """The next step of a case, legal by what this desk sees; another desk may have been quicker."""
        case = self._pick()
        if case is None or case.get("state") is None:
            return
        steps = [
            row
            for row in self.town.actions.values()
            if case["state"] in row["from"] and self.role in row["roles"] and (row["code"] != "reject" or self.rng.random() < 0.3)
        ]
        if steps:
            row = self.rng.choice(steps)
            self.phone.act(case["id"], row["code"], {one["name"]: self._argument(one) for one in row["args"] if one["required"]})

    def _argument(self, wanted: Record) -> Any:
        choices = wanted.get("choices")
        return self.rng.choice(choices) if choices else TEXTS.get(wanted["name"], "x")

    def _settle_conflict(self) -> None:
        waiting = {one.op.get("conflict") for one in self.phone.shelf.queue.waiting}
        still = [one for one in self.phone.shelf.store.all("conflict") if one["state"] == "open" and one["id"] not in waiting]
        if still:
            conflict = self.rng.choice(still)
            take = "client" if conflict["kind"] == "field" and self.rng.random() < 0.5 else "server"
            self.phone.resolve(conflict, take)

    def _pick(self, *, open_only: bool = False) -> Record | None:
        cases = self.phone.shelf.store.newest("incident", 12)
        if open_only:
            cases = [one for one in cases if one["state"] in ("reported", "registered", "resolved")]
        return self.rng.choice(cases) if cases else None

    # --- what comes of it -------------------------------------------------------------------------------------

    def sync(self) -> Round:
        """Send and follow; count what was answered."""
        done = self.phone.sync()
        for one in done.settled:
            self.tally.answered(str(one.op["kind"]), one.outcome, one.answer.get("code"))
        if done.trouble:
            self.tally.trouble(done.trouble)
        self.acknowledged += done.settled
        self.tally.photo("sent", len(done.uploaded))
        return done

    def promised(self) -> list[str]:
        """Photos of which the server has acknowledged every byte."""
        return [one.photo for one in self.phone.shelf.album.photos.values() if one.state in (ACKNOWLEDGED, STORED)]

    def waits(self) -> bool:
        """Whether something of theirs is not answered or not sent yet."""
        shelf = self.phone.shelf
        return bool(len(shelf.queue) or shelf.album.waiting())
