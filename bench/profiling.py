"""Where the time of a request goes: statements, database, Python. Runs `bench.inside` in a process of its own."""

import json
import subprocess
import sys

from bench.ground import ROOT, Ground


def profile(made: Ground) -> str:
    """A table of each work's share, and the functions that take most, as Markdown."""
    given = json.dumps({"token": made.told["reporters"][0], "reader": made.told["readers"][0], "desk": made.told["desk"]})
    spots = json.dumps(made.told["spots"][:400])
    command = [sys.executable, "-m", "bench.inside"]
    done = subprocess.run(command, cwd=ROOT, env=made.env, input=f"{given}\n{spots}\n", capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: the profile failed:\n{done.stderr[-3000:]}")
    return done.stdout
