"""SIGKILL of the server at 20 random moments of a running simulation: nothing acknowledged is missing or doubled (G1, G2).

A real `manage.py serve` in a process of its own, on each database; phones that know nothing of the kills.
"""

import random
import sqlite3
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest

from sync.simulation.play import Plan, dismiss, gather, play
from sync.simulation.reckoning import Reckoning, reckon
from sync.simulation.tally import Tally
from tests.left_out import database_of_kind
from tests.running import PASSWORD, Server

KILLS = 20


def query(server: Server, text: str) -> list[tuple[object, ...]]:
    """Ask the database beside the server."""
    if url := server.env.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            return connection.execute(text).fetchall()  # type: ignore[arg-type]
    connection = sqlite3.connect(server.data / "gridgov.sqlite3", timeout=20)
    try:
        return connection.execute(text).fetchall()
    finally:
        connection.close()


def simulate_and_kill(server: Server, plan: Plan, kills: int, moments: random.Random) -> tuple[Reckoning, Tally]:
    """Play until the server was killed that often; then reckon."""
    tally, stop = Tally(), threading.Event()
    players = gather(plan, tally)
    thread = threading.Thread(target=play, args=(plan, players), kwargs={"tick": lambda gone: None, "stop": stop})
    thread.start()
    try:
        for _ in range(kills):
            stop.wait(moments.uniform(0.1, 1.5))  # the moment is what is random here; nothing is waited for
            server.kill()
            server.start()
    finally:
        stop.set()
        thread.join(plan.patience_s * 3)
    assert not thread.is_alive()
    told = reckon(plan, players)
    dismiss(players)
    return told, tally


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_server_that_is_killed_at_twenty_random_moments_loses_and_doubles_nothing(kind: str) -> None:
    with tempfile.TemporaryDirectory(prefix="gridgov-kills-", ignore_cleanup_errors=True) as folder, database_of_kind(kind) as url:
        if url is None:
            return
        server = Server(data=Path(folder) / "data", database_url=url, LOG_LEVEL="WARNING")
        plan = Plan(url=server.url, password=PASSWORD, phones=6, seconds=600, seed=4, pace_s=0.7, patience_s=60, picture_side=96)
        try:
            server.start()
            server.demo = False
            told, tally = simulate_and_kill(server, plan, KILLS, random.Random(4711))
            doubled = query(
                server, "SELECT op_id, type, count(*) FROM incidents_event WHERE op_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"
            )
            receipts = query(server, "SELECT count(*) FROM incidents_receipt")[0][0]
        finally:
            server.kill()
        print(f"{kind}: {KILLS} kills, {tally.ops()} ops, {told.photos_stored} photos, troubles {dict(tally.troubles)}")
        assert tally.failures == []
        assert (told.missing, told.doubled, told.changed, told.unanswered) == ([], [], [], 0)
        assert told.agreeing == told.phones == 6
        assert told.photos_stored == told.photos_sent > 0
        assert tally.troubles["line"] > 0 and tally.ops() > KILLS, "the kills met nobody at work"
        assert doubled == []
        assert receipts == tally.ops()
