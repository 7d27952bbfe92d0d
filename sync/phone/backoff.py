"""How long to wait before the next try. Pure: randomness is passed in, no clock is read."""

import random

FIRST_S = 5.0
LONGEST_S = 3600.0
NEEDS_YOU_AFTER = 3


def op_pause_s(*, tries: int, asked_s: float | None, rng: random.Random) -> float:
    """Seconds that an op rests after its `tries`-th `retry` (from 1): 5 s doubling to 1 h, with jitter (protocol §3.2, 3).

    What the server asked for (`retry_after_s`) is a floor, never a ceiling.
    """
    span = min(LONGEST_S, FIRST_S * 2.0 ** min(tries - 1, 20))
    return max(asked_s or 0.0, span * rng.uniform(0.5, 1.0))


def line_pause_s(*, failures: int, asked_s: float | None, rng: random.Random) -> float:
    """Seconds before the line is tried again after `failures` failures in a row (from 1): full jitter up to 60 s.

    Full jitter spreads a herd that lost its server in the same second (reliability L10).
    """
    span = min(60.0, 2.0 ** min(failures - 1, 10))
    return (asked_s or 0.0) + rng.uniform(0.0, span)
