"""The chain over all commits, reckoned anew from what is stored, in the test's own words (docs/decisions/0002)."""

import hashlib

from gridgov.feed.models import Commit, Head
from incidents.models import Event


def assert_chain_holds() -> int:
    """Every link is the hash of the one before, the position, the nonce and the commit's event hashes in order. How many links."""
    before, proved = "", []
    for commit in Commit.objects.order_by("seq"):
        text = f"{before}{commit.seq}{commit.nonce}{commit.events}"
        assert commit.chain == hashlib.sha256(text.encode()).hexdigest(), commit.seq
        proved += [commit.events[at : at + 64] for at in range(0, len(commit.events), 64)]
        before = commit.chain
    assert Head.objects.get().chain == before
    assert sorted(proved) == sorted(Event.objects.values_list("hash", flat=True)), "every event in exactly one commit"
    return Commit.objects.count()
