"""Runs one job a connection, each in a process of its own, all at once, for some seconds. Knows neither HTTP nor SQL."""

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_fork = multiprocessing.get_context("fork")


class Job(Protocol):
    """One connection's work, made ready before the clock starts."""

    def step(self) -> int:
        """Do one push, page or poll; the number of items done, or -1 when the prepared work is used up."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True)
class Sample:
    """One round of one work. Rates a second over all connections, latencies of one step in milliseconds."""

    items: int
    rate: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float  # CPU of the server and database processes per step
    foreign: float  # share of the machine's busy time that was not ours


def measure(makers: Sequence[Callable[[], Job]], *, seconds: float, serving: Callable[[], Iterable[int]]) -> Sample:
    """Run all jobs side by side. `serving` gives the ids of the processes that serve them (server, database)."""
    ready, done = _fork.Semaphore(0), _fork.Semaphore(0)
    go, leave = _fork.Event(), _fork.Event()
    results: Any = _fork.Queue()
    children = [_fork.Process(target=_child, args=(make, seconds, ready, done, go, leave, results)) for make in makers]
    for child in children:
        child.start()
    try:
        for _ in children:
            _wait(ready, children)
        ours = [os.getpid(), *(child.pid or 0 for child in children)]
        before, busy = {pid: cpu_s(pid) for pid in (*ours, *serving())}, busy_s()
        go.set()
        for _ in children:
            _wait(done, children)
        after, busy = {pid: cpu_s(pid) for pid in (*ours, *serving())}, busy_s() - busy
        told = [results.get(timeout=30) for _ in children]
    finally:
        leave.set()
        for child in children:
            child.join(30)
            if child.is_alive():
                child.kill()
    if errors := [one["error"] for one in told if one["error"]]:
        raise RuntimeError(f"{len(errors)} of {len(told)} connections failed: {errors[0]}")
    spent = {pid: after[pid] - before.get(pid, 0.0) for pid in after}
    latencies = sorted(one for each in told for one in each["latencies"])
    clients = set(ours)
    return Sample(
        items=sum(one["items"] for one in told),
        rate=sum(one["items"] / one["elapsed"] for one in told),
        p50_ms=1000 * statistics.median(latencies),
        p99_ms=1000 * latencies[int(len(latencies) * 0.99)],
        server_cpu_ms=1000 * sum(value for pid, value in spent.items() if pid not in clients) / len(latencies),
        foreign=max(0.0, busy - sum(spent.values())) / max(busy, TICK_S),
    )


def _wait(semaphore: Any, children: Sequence[Any]) -> None:
    while not semaphore.acquire(timeout=1):
        if any(child.exitcode not in (None, 0) for child in children):
            raise RuntimeError("a connection's process died")


def _child(make: Callable[[], Job], seconds: float, ready: Any, done: Any, go: Any, leave: Any, results: Any) -> None:
    told: dict[str, Any] = {"items": 0, "elapsed": 1.0, "latencies": [], "error": None}
    job = None
    try:
        job = make()
    except Exception as error:
        told["error"] = f"{type(error).__name__}: {error}"
    ready.release()
    go.wait()
    try:
        if job is not None:
            _run(job, seconds, told)
    except Exception as error:
        told["error"] = f"{type(error).__name__}: {error}"
    results.put(told)
    done.release()
    leave.wait()
    if job is not None:
        job.close()


def _run(job: Job, seconds: float, told: dict[str, Any]) -> None:
    latencies: list[float] = []
    began = now = time.perf_counter()
    until = began + seconds
    items = 0
    while now < until:
        count = job.step()
        if count < 0:
            break
        items += count
        was, now = now, time.perf_counter()
        latencies.append(now - was)
    told |= {"items": items, "elapsed": now - began, "latencies": latencies}


def cpu_s(pid: int) -> float:
    """User and system time of a process, 0 where it has gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK_S


def busy_s() -> float:
    """Seconds of CPU that the whole machine has spent so far, over all cores."""
    with open("/proc/stat") as file:
        fields = [int(one) for one in file.readline().split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) * TICK_S
