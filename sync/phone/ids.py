"""Ids that a client makes (protocol §2): UUID version 7, lower case. Clock and randomness are passed in."""

import random
import uuid


def uuid7(*, now: float, rng: random.Random) -> str:
    """A version 7 UUID for the moment `now` (seconds since 1970), 74 random bits.

    Its first 48 bits are the milliseconds, so records made one after the other stand near each other in an index.
    Source: RFC 9562, section 5.7.
    """
    millis = int(now * 1000) & ((1 << 48) - 1)
    value = (millis << 80) | (0x7 << 76) | (rng.getrandbits(12) << 64) | (0b10 << 62) | rng.getrandbits(62)
    return str(uuid.UUID(int=value))
