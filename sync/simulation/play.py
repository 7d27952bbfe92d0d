"""The play: log everybody in, let them work side by side for a while, then send what still waits. One thread a phone."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sync.phone import HttpLine, Phone
from sync.phone.api import Trouble
from sync.simulation.player import Player
from sync.simulation.tally import Clocked, Tally
from sync.simulation.town import look_around

T = TypeVar("T")

# Who the phones are, in this order, from the start again when there are more: most people stand in the field.
COMPANY = ("worker", "secretary", "worker2", "worker", "operator", "worker", "worker2", "supervisor", "worker", "handler")


@dataclass(frozen=True)
class Plan:
    """`pace_s`: seconds between two moves of one person, on average."""

    url: str
    password: str
    phones: int = 20
    seconds: float = 120.0
    seed: int = 1
    pace_s: float = 2.0
    patience_s: float = 120.0
    photos: bool = True
    picture_side: int = 320  # pixels
    verify_tls: bool = True


class NotReady(Exception):
    """The server did not let a phone in."""


def gather(plan: Plan, tally: Tally) -> list[Player]:
    """All players, logged in, with the city before them.

    :raises NotReady: with the code of what was in the way.
    """
    players = []
    for number in range(plan.phones):
        rng = random.Random(f"{plan.seed}:{number}")  # noqa: S311 - choices of a play, no secrets
        # Ids must be new in every run, also with the same seed on the same server: they come from the system's randomness.
        phone = Phone(Clocked(HttpLine(plan.url, verify=plan.verify_tls), tally), rng=random.SystemRandom())
        username = COMPANY[number % len(COMPANY)]
        device = f"simulated {number + 1}"
        _patiently(partial(phone.log_in, username, plan.password, device_name=device), plan.patience_s)
        town = _patiently(partial(look_around, phone.api, phone.memberships), plan.patience_s)
        players.append(Player(number, username, phone, town, tally, rng, plan.photos, plan.picture_side))
    return players


def dismiss(players: Sequence[Player]) -> None:
    """Close everybody's line."""
    for player in players:
        player.phone.hang_up()


def _patiently(call: Callable[[], T], patience_s: float) -> T:
    """The same call until it is answered: a server may be starting, or starting again."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return call()
        except Trouble as trouble:
            if not trouble.passing or time.monotonic() > until:
                raise NotReady(trouble.code) from trouble
        time.sleep(0.2)


def play(plan: Plan, players: Sequence[Player], *, tick: Callable[[float], None], stop: threading.Event | None = None) -> None:
    """Let them work for `plan.seconds` or until `stop` is set, then send what waits.

    `tick` is called about twice a second with the seconds so far.
    """
    stop = stop or threading.Event()
    threads = [threading.Thread(target=_guarded, args=(_work, player, plan, stop), daemon=True) for player in players]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    while (gone := time.monotonic() - began) < plan.seconds:
        tick(gone)
        if stop.wait(min(0.5, plan.seconds - gone)):
            break
    stop.set()
    _join(threads, tick, began)
    # Drained twice: the first ends with everybody's ops on the server, the second brings everybody all of them.
    for _ in range(2):
        threads = [threading.Thread(target=_guarded, args=(_drain, player, plan), daemon=True) for player in players]
        for thread in threads:
            thread.start()
        _join(threads, tick, began)


def _join(threads: Sequence[threading.Thread], tick: Callable[[float], None], began: float) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
            tick(time.monotonic() - began)


def _guarded(work: Callable[..., None], player: Player, *args: object) -> None:
    """A fault in one phone is a failure of the run, not a silent thread less."""
    try:
        work(player, *args)
    except Exception as error:
        player.tally.failed(f"phone {player.number + 1} ({player.username}): {type(error).__name__}: {error}")


def _work(player: Player, plan: Plan, stop: threading.Event) -> None:
    while not stop.wait(player.rng.expovariate(1 / plan.pace_s)):
        for _ in range(player.rng.choice((1, 1, 1, 2, 4))):  # sometimes without signal for a while: several at once
            player.move()
        if player.phone.rests_until <= time.time():
            player.sync()


def _drain(player: Player, plan: Plan) -> None:
    """Until nothing waits and a whole round went through."""
    until = time.monotonic() + plan.patience_s
    whole = False
    while time.monotonic() < until and not (whole and not player.waits()):
        wakes = max(player.phone.rests_until, (player.phone.wakes_at() or 0.0))
        time.sleep(min(max(0.0, wakes - time.time()), 5.0, plan.patience_s))
        if player.phone.rests_until <= time.time():
            whole = player.sync().trouble is None
