"""Whatever people do in whatever order: who follows holds what a fresh load gives, and that is what the protocol lets them read.

Half of the readers poll seldom and in small pages, so cursors stand in the middle of commits and behind several moves.
"""

import datetime as dt
import os
from random import Random
from typing import Any

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from grids.models import Membership
from incidents import images
from incidents.clocks import archive
from incidents.models import Conflict, Incident, Photo
from tests.feed.chain import assert_chain_holds
from tests.sync import saying
from tests.sync.following import Reader, fresh
from tests.sync.oracle import assert_reads
from tests.world import A1C, A1N, A2C, B1C, CAST, CELL, NEXT_CELL, World

CELLS = [CELL, NEXT_CELL, A1N + "001", A2C + "001", B1C + "001"]
# Who mostly has to do with cases there; now and then it is somebody else.
AT_HAND = {
    CELL: ["worker", "secretary", "operator", "supervisor"],
    NEXT_CELL: ["neighbour", "secretary", "operator"],
    A1N + "001": ["operator", "supervisor"],
    A2C + "001": ["supervisor"],
    B1C + "001": ["worker2", "secretary2", "supervisor"],
}
REPORTERS = ["worker", "neighbour", "worker2", "secretary", "stranger", "handler"]
ACTORS = ["worker", "neighbour", "worker2", "secretary", "secretary2", "operator", "supervisor", "former", "stranger"]
# More of them by hand: FEED_EXAMPLES=500.
EXAMPLES = int(os.environ.get("FEED_EXAMPLES", "12"))
SEED = st.integers(0, 2**32 - 1)


class Feed(RuleBasedStateMachine):
    """A few cases, many hands, twelve readers. Each step draws a number, and a generator of that seed says who does what."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        try:
            self.begin_following()
        except BaseException:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def begin_following(self) -> None:
        self.world = World()
        self.cases: list[str] = []
        # Some follow at every step, some seldom; some take small bites.
        self.readers = {name: Reader(self.world.client(name), limit=(1000, 3, 7, 1)[n % 4]) for n, name in enumerate(CAST)}
        for reader in self.readers.values():
            limit, reader.limit = reader.limit, 1000
            reader.poll()
            reader.limit = limit

    def teardown(self) -> None:
        try:
            self.all_agree()
        finally:
            self.roll_back()

    def all_agree(self) -> None:
        for name, reader in self.readers.items():
            reader.limit = max(reader.limit, 100)
            reader.poll()
            assert reader.digest() == reader.own_digest(), name
            now = fresh(reader.client)
            assert now.store == reader.store, name
            assert_reads(self.world, name, now)
        assert_chain_holds()

    def someone(self, dice: Random, case: str) -> str:
        row = Incident.objects.get(pk=case)
        author = next(name for name, user in self.world.people.items() if user.pk == row.by_user)
        hands = [*AT_HAND.get(row.cell_code, ["supervisor"]), author]
        return dice.choice(hands if dice.random() < 0.8 else ACTORS)

    def push(self, name: str, *ops: dict[str, Any]) -> None:
        answers = saying.do(self.world, name, *ops)
        assert all(a.outcome in ("applied", "merged", "conflict", "refused") for a in answers), answers
        assert all(a.code != "malformed" for a in answers), answers

    @initialize(seeds=st.lists(SEED, min_size=2, max_size=2))
    def begin(self, seeds: list[int]) -> None:
        for seed in seeds:
            self.report(seed)

    @rule(seed=SEED)
    def report(self, seed: int) -> None:
        dice = Random(seed)
        category = dice.choice([saying.PLAIN, saying.PLAIN, saying.RESTRICTED])
        op = saying.report_op(
            self.world,
            cell=dice.choice(CELLS),
            category=category,
            photos=dice.randrange(3),
            description=f"说明 {len(self.cases)}",
        )
        self.push(dice.choice(REPORTERS), op)
        self.cases.append(op["incident"])

    @rule(seed=SEED)
    def edit(self, seed: int) -> None:
        dice = Random(seed)
        case, field = dice.choice(self.cases), dice.choice(["description", "address"])
        base = {field: "从前"} if dice.random() < 0.4 else None
        self.push(self.someone(dice, case), saying.edit_op(case, base=base, **{field: f"新词 {dice.randrange(4)}"}))

    @rule(seed=SEED)
    def file_under(self, seed: int) -> None:
        """Into a restricted category and out of it."""
        dice = Random(seed)
        case = dice.choice(self.cases)
        self.push(self.someone(dice, case), saying.edit_op(case, category=dice.choice([saying.PLAIN, saying.RESTRICTED])))

    @rule(seed=SEED)
    def move(self, seed: int) -> None:
        """Across cells, communities and districts; several times in one push, too."""
        dice = Random(seed)
        case = dice.choice(self.cases)
        row = Incident.objects.get(pk=case)
        ops, at = [], saying._wire(row, "position")
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            there = self.world.position(dice.choice(CELLS))
            ops.append(
                saying.op("incident.edit", incident=case, base_version=row.version, base={"position": at}, fields={"position": there})
            )
            at = there
        self.push(self.someone(dice, case), *ops)

    @rule(seed=SEED)
    def move_again(self, seed: int) -> None:
        self.move(seed)

    @rule(seed=SEED)
    def act(self, seed: int) -> None:
        """Mostly the next step."""
        dice = Random(seed)
        case = dice.choice(self.cases)
        steps = {"reported": ["register", "register", "reject"], "registered": ["resolve"], "resolved": ["close"], "closed": ["reopen"]}
        state = Incident.objects.get(pk=case).state
        action = dice.choice(steps.get(state, ["register"])) if dice.random() < 0.8 else dice.choice(["register", "close", "reopen"])
        name = dice.choice(["secretary", "secretary2", "operator"]) if dice.random() < 0.6 else self.someone(dice, case)
        self.push(name, saying.act_op(case, action))

    @rule(seed=SEED)
    def comment(self, seed: int) -> None:
        dice = Random(seed)
        case = dice.choice(self.cases)
        more = {"to": str(self.world.user(dice.choice(["worker", "secretary"])).pk)} if dice.random() < 0.3 else {}
        visibility = dice.choice(["internal", "internal", "reporter", "public"])
        line = saying.op("incident.comment", incident=case, comment=saying.new_id(), text="看过了", visibility=visibility, **more)
        self.push(self.someone(dice, case), line)

    @rule(seed=SEED)
    def photo(self, seed: int) -> None:
        """One more; or one arrives, or is withdrawn."""
        dice = Random(seed)
        photos = list(Photo.objects.order_by("declared_at", "id"))
        how = dice.choice(["add", "deliver", "withdraw"]) if photos else "add"
        if how == "add":
            case = dice.choice(self.cases)
            declared = {"photo": saying.new_id(), "sha256": f"{seed:064x}", "size": 10, "stage": "after"}
            self.push(self.someone(dice, case), saying.op("photo.add", incident=case, **declared))
            return
        photo = dice.choice(photos)
        if how == "deliver":
            with transaction.atomic():
                images.deliver(user=str(photo.by), sha256=photo.sha256, now=timezone.now())
        else:
            name = next(name for name, user in self.world.people.items() if user.pk == photo.by)
            self.push(name, saying.op("photo.withdraw", photo=str(photo.pk)))

    @precondition(lambda self: Conflict.objects.filter(state="open").exists())
    @rule(seed=SEED)
    def resolve(self, seed: int) -> None:
        dice = Random(seed)
        conflict = dice.choice(list(Conflict.objects.filter(state="open").order_by("parked_at", "id")))
        self.push(self.someone(dice, str(conflict.incident)), saying.resolve_op(str(conflict.pk), dice.choice(["server", "client"])))

    @rule()
    def archive(self) -> None:
        now = timezone.now()
        archive(before=now + dt.timedelta(seconds=1), now=now)

    @rule(seed=SEED)
    def appoint(self, seed: int) -> None:
        """A membership changes: its holder's load begins anew, nobody else's."""
        dice = Random(seed)
        member = Membership.objects.get(user=self.world.user(dice.choice(["worker", "neighbour", "secretary", "handler"])))
        place = dice.choice([CELL, NEXT_CELL, A1C, B1C])
        member.place, member.unit, member.role = (
            self.world.places[place],
            self.world.units[place[:12]],
            dice.choice(["worker", "secretary"]),
        )
        member.save(update_fields=["place", "role", "unit"])

    @rule(seed=SEED)
    def read_a_little(self, seed: int) -> None:
        dice = Random(seed)
        reader = self.readers[dice.choice(list(CAST))]
        for _ in range(dice.randrange(1, 5)):
            if not reader.page()["more"]:
                break

    @invariant()
    def some_follow_at_every_step(self) -> None:
        for name in ("worker", "supervisor"):
            reader = self.readers[name]
            reader.poll()
            assert reader.digest() == reader.own_digest(), name


def test_who_follows_holds_what_a_fresh_load_gives_and_what_the_protocol_lets_them_read(db: None) -> None:
    run_state_machine_as_test(
        Feed,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=[Phase.generate],  # shrinking takes minutes, and the steps of a failure are few
        ),
    )
