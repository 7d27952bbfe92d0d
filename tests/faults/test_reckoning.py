"""The reckoning after a simulation sees what it is there to see: each kind of loss is made by hand, and found."""

import sqlite3
import threading

from sync.simulation.play import Plan, dismiss, gather, play
from sync.simulation.reckoning import reckon
from sync.simulation.tally import Tally
from tests.running import PASSWORD, running


def test_the_reckoning_finds_what_was_taken_away_behind_the_servers_back() -> None:
    with running(LOG_LEVEL="WARNING") as server:
        plan = Plan(url=server.url, password=PASSWORD, phones=2, seconds=600, seed=2, pace_s=0.05, patience_s=60, picture_side=96)
        tally = Tally()
        players = gather(plan, tally)
        stop = threading.Event()
        play(plan, players, tick=lambda gone: stop.set() if tally.ops() > 40 else None, stop=stop)
        whole = reckon(plan, players)
        assert whole.holds, whole
        assert whole.photos_stored > 0

        takings = {
            "incident": "DELETE FROM feed_feedrow WHERE key = (SELECT key FROM feed_feedrow WHERE type = 'incident' ORDER BY seq DESC LIMIT 1)",
            "comment": "DELETE FROM feed_feedrow WHERE key = (SELECT key FROM feed_feedrow WHERE type = 'event' AND wire LIKE '%\"comment\"%' "
            "ORDER BY seq DESC LIMIT 1)",
            "photo": "DELETE FROM feed_feedrow WHERE key = (SELECT key FROM feed_feedrow WHERE type = 'photo' ORDER BY seq LIMIT 1)",
            "receipt": "DELETE FROM incidents_receipt WHERE rowid = (SELECT min(rowid) FROM incidents_receipt)",
        }
        found: dict[str, bool] = {}
        for what, statement in takings.items():
            connection = sqlite3.connect(server.data / "gridgov.sqlite3", timeout=20, isolation_level=None)
            assert connection.execute(statement).rowcount == 1, what
            connection.close()
            told = reckon(plan, players)
            found[what] = any(what in line for line in told.missing)
            assert not told.holds
        dismiss(players)
        assert found == dict.fromkeys(takings, True)
