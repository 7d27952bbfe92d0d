"""Loops beside requests: they are started again when they fall, and end when they are asked to."""

import threading

from gridgov import background


def test_a_loop_that_falls_over_is_started_again_and_the_others_do_not_notice(monkeypatch) -> None:
    calls: list[str] = []
    again = threading.Event()

    class NoWait(threading.Event):
        """An end that nobody waits five seconds for."""

        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(0 if timeout == 5 else timeout)

    def falls_once(stop: threading.Event) -> None:
        calls.append("falls")
        if len([call for call in calls if call == "falls"]) == 1:
            raise ValueError("once")
        again.set()
        stop.wait()

    def goes_on(stop: threading.Event) -> None:
        calls.append("goes on")
        stop.wait()

    monkeypatch.setattr(background, "LOOPS", (("falls", falls_once), ("goes on", goes_on)))
    loops = background.Loops()
    loops.ending = NoWait()
    loops.start()
    assert again.wait(20)
    loops.stop()
    assert not any(thread.is_alive() for thread in loops.threads)
    assert sorted(calls) == ["falls", "falls", "goes on"]


def test_every_loop_of_the_product_is_named_once() -> None:
    names = [name for name, _loop in background.LOOPS]
    assert sorted(set(names)) == sorted(names)
    assert {"photo worker", "clocks"} <= set(names)
