"""What is counted while phones play: answers by kind and outcome, photos, latencies, troubles. Safe for many threads."""

import threading
import time
from collections import Counter
from collections.abc import Mapping

from sync.phone.line import HttpLine, Reply

KINDS = {"sync/ops": "push", "sync/changes": "pull", "sync/photos": "photo"}


class Tally:
    """One for all phones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.codes: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.photos: Counter[str] = Counter()
        self.latencies: dict[str, list[float]] = {}
        self.failures: list[str] = []

    def answered(self, kind: str, outcome: str, code: str | None) -> None:
        """An op has its final answer."""
        with self._lock:
            self.outcomes[kind, outcome] += 1
            if code:
                self.codes[f"{outcome} {code}"] += 1

    def trouble(self, code: str) -> None:
        """A round ended early."""
        with self._lock:
            self.troubles[code] += 1

    def photo(self, state: str, count: int = 1) -> None:
        """`declared` or `sent`."""
        with self._lock:
            self.photos[state] += count

    def took(self, kind: str, seconds: float) -> None:
        """A request was answered."""
        with self._lock:
            self.latencies.setdefault(kind, []).append(seconds)

    def failed(self, what: str) -> None:
        """Something that no server may do, or a fault of the simulation itself."""
        with self._lock:
            self.failures.append(what)

    def ops(self) -> int:
        """Ops answered so far."""
        with self._lock:
            return self.outcomes.total()

    def quantile_ms(self, kind: str, share: float) -> float:
        """A quantile of the latencies of one kind of request, 0 without any."""
        with self._lock:
            found = sorted(self.latencies.get(kind, ()))
        return 1000 * found[min(len(found) - 1, int(share * len(found)))] if found else 0.0


class Clocked:
    """A line that tells the tally how long each request took, and what status the server should never give."""

    def __init__(self, line: HttpLine, tally: Tally) -> None:
        self.line, self.tally = line, tally

    def request(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Reply:
        """See `Line`."""
        began = time.perf_counter()
        reply = self.line.request(method, path, body=body, headers=headers)
        kind = next((name for part, name in KINDS.items() if part in path), "read")
        self.tally.took(kind, time.perf_counter() - began)
        if reply.status == 500:
            self.tally.failed(f"500 for {method} {path.partition('?')[0]}")
        return reply

    def close(self) -> None:
        """Hang up."""
        self.line.close()
