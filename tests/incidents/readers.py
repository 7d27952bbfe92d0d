"""Who of the cast has a record in a fresh load."""

from tests.sync.following import fresh
from tests.world import CAST, World


def readers_of(world: World, kind: str, rid: str) -> set[str]:
    """Names of those to whom the feed gives it."""
    return {name for name in CAST if (kind, rid) in fresh(world.client(name)).store}
