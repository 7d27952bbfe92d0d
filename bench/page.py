"""The figures as they stand in README.md, between two marks. Writes nothing else."""

import datetime as dt
import os
import platform
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: begin (written by `make bench`) -->", "<!-- figures: end -->"
FOREIGN = 0.15


def figures(rows: list[dict[str, Any]], *, options: dict[str, Any], stored: int, profile: str) -> str:
    """The table, what it was measured on, and the profile."""
    day = dt.datetime.now(dt.UTC).date()
    lines = [
        f"Measured on {day}, {os.cpu_count()} cores, Python {platform.python_version()}: {options['rounds']} alternating rounds of "
        f"{options['seconds']:g} s, {options['connections']} connections. {stored:,} ops were accepted, and counted in the database.",
        "",
        "| work | raw /s | product /s | **ratio** (spread) | floor | p50, p99 raw (ms) | p50, p99 product (ms) | CPU a step, raw · product (ms) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        raw, ours = ({key: row[key][side] for key in ("rate", "p50_ms", "p99_ms", "server_cpu_ms")} for side in (0, 1))
        below = "" if row["ratio"] >= row["floor"] else " **below**"
        lines.append(
            f"| {row['name']} | {raw['rate']:,.0f} | {ours['rate']:,.0f} | **{row['ratio']:.2f}** ({row['low']:.2f}–{row['high']:.2f}) "
            f"| {row['floor']:.2f}{below} | {raw['p50_ms']:.1f}, {raw['p99_ms']:.1f} | {ours['p50_ms']:.1f}, {ours['p99_ms']:.1f} "
            f"| {raw['server_cpu_ms']:.2f} · {ours['server_cpu_ms']:.2f} |"
        )
    foreign = max((row["foreign"] for row in rows), default=0.0)
    warning = " **More than 15 %: measure again on a quiet machine.**" if foreign > FOREIGN else ""
    lines += ["", f"CPU that was not ours: at most {foreign:.0%} of the busy time of a round.{warning}", "", profile]
    return "\n".join(lines).rstrip() + "\n"


def write(path: Path, text: str) -> None:
    """Put the figures between the marks."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", "utf-8")
