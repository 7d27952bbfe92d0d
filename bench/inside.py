"""Run as `python -m bench.inside`: the product's own code in this process, one client, timed and profiled. Prints Markdown.

Reads from stdin what `bench.profiling` knows: tokens, and points.
"""

import cProfile
import json
import pstats
import sys
import time
from collections.abc import Callable
from typing import Any

REPEATS = 60


class Clocked:
    """Time and number of calls spent in psycopg, which is database, round trip, and turning values to bytes and back."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def wrap(self, owner: Any, name: str) -> None:
        """Count what this method takes from now on."""
        inner = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began
                self.calls += 1

        setattr(owner, name, timed)


def main() -> None:
    """Profile every work."""
    import django

    django.setup()
    import psycopg
    from django.test import Client

    from bench.ours import Maker, applied, changes
    from bench.raw import Spot

    told, spots = (json.loads(sys.stdin.readline()) for _ in range(2))
    points, maker = [Spot(*one) for one in spots], Maker(77_000_000)
    client = Client(headers={"Gridgov-Protocol": "1", "Host": "127.0.0.1"})

    def ask(method: str, path: str, who: str, body: Any = None) -> bytes:
        data = json.dumps(body) if body is not None else None
        sent = {"content_type": "application/json", "headers": {"Authorization": f"Token {told[who]}"}}
        answer = (
            client.post(f"/api/v1/{path}", data, **sent) if method == "POST" else client.get(f"/api/v1/{path}", headers=sent["headers"])
        )
        assert answer.status_code == 200, answer.content
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return bytes(content)

    def push(size: int) -> None:
        ops = [maker.report(maker.rng.choice(points)) for _ in range(size)]
        assert applied(ask("POST", "sync/ops", "token", {"ops": ops})) == size

    edited = maker.report(points[0])
    ask("POST", "sync/ops", "token", {"ops": [edited]})
    state = {"version": 1, "text": edited["description"]}

    def edit() -> None:
        new = f"第{state['version']}次修改"
        op = maker.edit(edited["incident"], state["version"], state["text"], new)
        assert applied(ask("POST", "sync/ops", "token", {"ops": [op]})) == 1
        state.update(version=state["version"] + 1, text=new)

    cursor = ""
    while True:
        page = json.loads(ask("GET", f"sync/changes?limit=1000&since={cursor}", "reader"))
        cursor = page["cursor"]
        if not page["more"]:
            break
    first = json.loads(ask("GET", "sync/changes?limit=1000", "desk"))["cursor"]

    works: dict[str, Callable[[], Any]] = {
        "push of 50": lambda: push(50),
        "push of 1": lambda: push(1),
        "guarded edit": edit,
        "page of 1,000": lambda: changes(ask("GET", f"sync/changes?limit=1000&since={first}", "desk")),
        "poll, none": lambda: ask("GET", f"sync/changes?since={cursor}", "reader"),
    }
    for work in works.values():
        for _ in range(10):  # caches, prepared statements
            work()
    clocked = Clocked()
    clocked.wrap(psycopg.Cursor, "execute")
    clocked.wrap(psycopg.Connection, "commit")
    print("Where the time goes, one client in process (test client and JSON of the client included), milliseconds a request:\n")
    print(
        "| work | all | in psycopg (statements, dumping, commit) | calls of it | Python | most of Python is in |\n|---|---|---|---|---|---|"
    )
    for name, work in works.items():
        clocked.seconds, clocked.calls = 0.0, 0
        began = time.perf_counter()
        for _ in range(REPEATS):
            work()
        every, inside = (1000 * value / REPEATS for value in (time.perf_counter() - began, clocked.seconds))
        print(f"| {name} | {every:.2f} | {inside:.2f} | {clocked.calls / REPEATS:.0f} | {every - inside:.2f} | {_heaviest(work)} |")


def _heaviest(work: Callable[[], Any]) -> str:
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(REPEATS):
        work()
    profiler.disable()
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    total = sum(row[2] for row in stats.values())
    ours = sorted(((row[2], where) for where, row in stats.items()), reverse=True)[:6]
    return ", ".join(f"{_short(where)} {100 * spent / total:.0f} %" for spent, where in ours)


def _short(where: tuple[str, int, str]) -> str:
    path, _, function = where
    module = path.rpartition("/")[2].removesuffix(".py")
    return (
        f"`{module}.{function}`"
        if module not in ("~", "")
        else f"`{function.strip('<>').replace('built-in method ', '').replace('method ', '')}`"
    )


if __name__ == "__main__":
    main()
