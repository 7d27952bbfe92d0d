"""`make bench`: load both sides, then run every work in turn on raw and on the product, three rounds and more."""

import argparse
import functools
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import ours, page, profiling
from bench.ground import Ground, ground
from bench.harness import Job, Sample, measure
from bench.raw import PUSH, Raw, RawEdit, RawPoll, RawPull, RawPush

FLOORS = {"push of 50": 0.20, "push of 1": 0.20, "guarded edit": 0.18, "pull of 10,000": 0.20, "poll, 5 changes": 0.12, "poll, none": 0.12}
LOADED, AROUND = 5_200, 20  # reports in the reader's district, and in each poller's community
ACTOR = "00000000-0000-4000-8000-{:012d}"
Makers = list[Callable[[], Job]]


def main() -> int:
    """Run it; 1 where a ratio is below its floor."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds (default: 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each work, each side, each round (default: 4)")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--scale", choices=("city", "small"), default="city")
    parser.add_argument("--port", type=int, default=8731)
    parser.add_argument("--only", help="part of a work's name: run no other")
    parser.add_argument("--no-page", action="store_true", help="print only, leave bench/README.md as it is")
    options = parser.parse_args()
    if options.rounds < 3:
        parser.error("--rounds: at least 3, a single ratio says little")
    with ground(port=options.port, scale=options.scale, connections=options.connections) as made:
        _load(made)
        accepted = made.one("SELECT count(*) FROM incidents_receipt")
        rounds = _rounds(made, options)
        stored = made.one("SELECT count(*) FROM incidents_receipt") - accepted
        profile = profiling.profile(made) if not options.only else ""
    rows = _rows(rounds)
    counted = sum(sample.items for name in ("push of 50", "push of 1", "guarded edit") for _, sample in rounds.get(name, ()))
    prepared = 40 * options.connections * len(rounds.get("guarded edit", ()))
    if stored != counted + prepared:
        raise SystemExit(f"bench: {counted} ops were answered as applied and {prepared} prepared, {stored} receipts are in the database")
    text = page.figures(rows, options=vars(options), stored=stored, profile=profile)
    print(text)
    if not options.no_page:
        page.write(Path(__file__).with_name("README.md"), text)
    return int(any(row["ratio"] < row["floor"] for row in rows))


def _load(made: Ground) -> None:
    """The same cases on both sides, then fresh statistics."""
    maker = ours.Maker(1_000_000)
    home = [spot for spot in made.spots if spot.community < 1_000_000]
    by_community: dict[int, list[Any]] = {}
    for spot in home:
        by_community.setdefault(spot.community, []).append(spot)
    spots = [maker.rng.choice(home) for _ in range(LOADED)]
    spots += [maker.rng.choice(by_community[one]) for one in made.told["communities"] for _ in range(AROUND)]
    wire, raw = ours.Wire(made.port, made.told["reporters"][0]), Raw(made.url, ACTOR.format(99), 99)
    for start in range(0, len(spots), 50):
        part = spots[start : start + 50]
        body = wire.ask(wire.post("sync/ops", {"ops": [maker.report(spot) for spot in part]}))
        if ours.applied(body) != len(part):
            raise SystemExit(f"bench: the load was not applied: {body[:600]!r}")
        for _ in range(2):  # a report is two records of the product's feed and one of raw's: as many to read on both sides
            raw.ask(PUSH, raw._push(part))
    raw.close()
    wire.close()
    made.analyze()


def _works(made: Ground, number: int, options: Any) -> dict[str, tuple[Makers, Makers]]:
    """For each work the makers of raw's and of the product's connections. `number` makes the ids of a round its own."""
    many = int(options.seconds * 120)
    single = int(options.seconds * 400)
    lanes = range(options.connections)
    seed = 10_000 * (number + 1)

    def raw(salt: int, kind: Callable[..., Job], **how: Any) -> Makers:
        """`how`: callables get the connection's number."""
        return [
            functools.partial(_raw, made, kind, lane, seed + salt + lane, {k: v(lane) if callable(v) else v for k, v in how.items()})
            for lane in lanes
        ]

    def http(salt: int, kind: Callable[..., Job], token: Callable[[int], str], **how: Any) -> Makers:
        return [functools.partial(_http, made, kind, token(lane), seed + salt + lane, how) for lane in lanes]

    told, spots = made.told, made.spots
    reporter, reader = (lambda n: told["reporters"][n]), (lambda n: told["readers"][n])
    community = lambda n: told["communities"][n]  # noqa: E731
    desk = lambda n: told["desk"]  # noqa: E731
    return {
        "push of 50": (
            raw(100, RawPush, spots=spots, size=50, count=many), http(100, ours.Push, reporter, spots=spots, size=50, count=many)
        ),
        "push of 1": (
            raw(200, RawPush, spots=spots, size=1, count=single), http(200, ours.Push, reporter, spots=spots, size=1, count=single)
        ),
        "guarded edit": (raw(300, RawEdit, spots=spots, count=single), http(300, ours.Edit, reporter, spots=spots, count=single)),
        "pull of 10,000": (raw(400, RawPull, district=0), http(400, ours.Pull, desk)),
        "poll, 5 changes": (raw(500, RawPoll, community=community, behind=5), http(500, ours.Poll, reader, behind=5)),
        "poll, none": (raw(600, RawPoll, community=community, behind=0), http(600, ours.Poll, reader, behind=0)),
    }  # fmt: skip


def _raw(made: Ground, kind: Callable[..., Job], lane: int, seed: int, how: dict[str, Any]) -> Job:
    return kind(Raw(made.url, ACTOR.format(lane), seed), **how)


def _http(made: Ground, kind: Callable[..., Job], token: str, seed: int, how: dict[str, Any]) -> Job:
    wire = ours.Wire(made.port, token)
    return kind(wire, ours.Maker(seed), **how) if "count" in how else kind(wire, **how)


def _rounds(made: Ground, options: Any) -> dict[str, list[tuple[Sample, Sample]]]:
    found: dict[str, list[tuple[Sample, Sample]]] = {}
    for number in range(options.rounds):
        for name, sides in _works(made, number, options).items():
            if options.only and options.only not in name:
                continue
            raw, product = (measure(side, seconds=options.seconds, serving=made.serving) for side in sides)
            found.setdefault(name, []).append((raw, product))
            print(
                f"round {number + 1}  {name:<16} raw {raw.rate:>10,.0f}/s   product {product.rate:>10,.0f}/s   {product.rate / raw.rate:.2f}"
            )
    return found


def _rows(rounds: dict[str, list[tuple[Sample, Sample]]]) -> list[dict[str, Any]]:
    rows = []
    for name, pairs in rounds.items():
        ratios = sorted(product.rate / raw.rate for raw, product in pairs)
        middle = {key: [statistics.median(getattr(side, key) for side in sides) for sides in zip(*pairs, strict=True)] for key in KEYS}
        rows.append(
            {"name": name, "floor": FLOORS[name], "ratio": statistics.median(ratios), "low": ratios[0], "high": ratios[-1], **middle}
            | {"foreign": max(sample.foreign for pair in pairs for sample in pair)}
        )
    return rows


KEYS = ("rate", "p50_ms", "p99_ms", "server_cpu_ms")

if __name__ == "__main__":
    raise SystemExit(main())
