"""How a simulation is told: a progress line, the closing table, and the same as JSON. Reckons nothing."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import OutputWrapper
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gridgov.errors import CATALOGUE
from sync.simulation.play import Plan
from sync.simulation.player import Player
from sync.simulation.reckoning import Reckoning
from sync.simulation.tally import Tally

OUTCOMES = ("applied", "merged", "conflict", "refused")
WORDS = {
    "applied": gettext_lazy("applied"),
    "merged": gettext_lazy("merged"),
    "conflict": gettext_lazy("conflict"),
    "refused": gettext_lazy("refused"),
    "incident.report": gettext_lazy("reports"),
    "incident.edit": gettext_lazy("edits"),
    "incident.comment": gettext_lazy("comments"),
    "incident.act": gettext_lazy("steps of the workflow"),
    "conflict.resolve": gettext_lazy("decided conflicts"),
    "photo.add": gettext_lazy("photos added later"),
    "push": gettext_lazy("sending ops"),
    "pull": gettext_lazy("fetching changes"),
    "photo": gettext_lazy("a part of a photo"),
}
SHOWN = 20


class Progress:
    """One line that is written over on a terminal; elsewhere a line every ten seconds."""

    def __init__(self, out: OutputWrapper, tally: Tally, players: Sequence[Player], *, of: float) -> None:
        self.out, self.tally, self.players, self.of = out, tally, players, of
        self.next = 0.0

    def __call__(self, gone: float) -> None:
        """`gone`: seconds since the start."""
        terminal = self.out.isatty()
        if gone < self.next:
            return
        self.next = gone + (0.0 if terminal else 10.0)
        values = {
            "gone": gone,
            "of": self.of,
            "ops": self.tally.ops(),
            "waiting": sum(len(player.phone.shelf.queue) for player in self.players),
            "photos": self.tally.photos["sent"],
            "troubles": self.tally.troubles.total(),
        }
        text = (
            _("%(gone)d of %(of)d s · %(ops)d ops answered, %(waiting)d waiting · %(photos)d photos sent · %(troubles)d troubles") % values
        )
        self.out.write(f"\r{text}   " if terminal else text, ending="" if terminal else "\n")
        self.out.flush()


def as_text(plan: Plan, tally: Tally, told: Reckoning) -> str:
    """The closing table."""
    kinds = sorted({kind for kind, _outcome in tally.outcomes})
    title = _("what was sent")  # not inside an f-string: xgettext does not look there
    lines = [_pad(title, 24) + "".join(_pad(_word(outcome), -10) for outcome in OUTCOMES)]
    lines += [_pad(_word(kind), 24) + "".join(f"{tally.outcomes[kind, outcome]:>10}" for outcome in OUTCOMES) for kind in kinds]
    if tally.codes:
        lines += ["", _("Why there were conflicts and refusals; several people work on the same cases, so there are some:")]
    for code, count in sorted(tally.codes.items()):
        lines.append(f"{count:>6}  {_(CATALOGUE[_code(code)][1]) if _code(code) in CATALOGUE else ''} ({code})")
    lines += ["", _("How long the server took; half of the answers came within p50, 99 of 100 within p99:")]
    for name in ("push", "pull", "photo"):
        count = len(tally.latencies.get(name, ()))
        middle, late = tally.quantile_ms(name, 0.5), tally.quantile_ms(name, 0.99)
        lines.append(f"{_pad(_word(name), 24)}{count:>7} ×   p50 {middle:>7.1f} ms   p99 {late:>7.1f} ms")
    lines.append("")
    lines.append(
        _("photos: %(declared)d declared, %(sent)d sent, %(stored)d stored")
        % {"declared": tally.photos["declared"], "sent": told.photos_sent, "stored": told.photos_stored}
    )
    lines.append(
        _("digests: %(agreeing)d of %(phones)d phones agree with a fresh phone (up to %(records)d records)")
        % {"agreeing": told.agreeing, "phones": told.phones, "records": told.records}
    )
    lines.append(
        _("acknowledged: %(ops)d ops; missing %(missing)d, doubled %(doubled)d, changed %(changed)d, still waiting %(waiting)d")
        % {
            "ops": tally.ops(),
            "missing": len(told.missing),
            "doubled": len(told.doubled),
            "changed": len(told.changed),
            "waiting": told.unanswered,
        }
    )
    if tally.troubles:
        lines.append(_("troubles with the line: %(list)s") % {"list": ", ".join(f"{code} {n}" for code, n in tally.troubles.most_common())})
    lines += [f"- {what}" for what in (*tally.failures, *told.missing, *told.doubled, *told.changed)[:SHOWN]]
    return "\n".join(lines)


def _word(code: str) -> str:
    return str(WORDS.get(code, code))


def _code(text: str) -> str:
    """The code of a counted answer: `outcome code`."""
    return text.rsplit(" ", maxsplit=1)[-1]


def _pad(text: str, width: int) -> str:
    """Blanks after the text, or before it where `width` is negative; a Chinese character is two columns wide."""
    blanks = " " * max(abs(width) - sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text), 0)
    return text + blanks if width > 0 else blanks + text


def as_json(plan: Plan, tally: Tally, told: Reckoning) -> dict[str, Any]:
    """The same for programs."""
    ops = {kind: {outcome: tally.outcomes[kind, outcome] for outcome in OUTCOMES} for kind, _outcome in tally.outcomes}
    latencies = {
        name: {"count": len(tally.latencies[name]), "p50_ms": tally.quantile_ms(name, 0.5), "p99_ms": tally.quantile_ms(name, 0.99)}
        for name in tally.latencies
    }
    return {
        "holds": told.holds and not tally.failures, "phones": plan.phones, "seconds": plan.seconds, "ops": ops, "codes": dict(tally.codes),
        "latencies": latencies, "photos_declared": tally.photos["declared"], "troubles": dict(tally.troubles), "failures": tally.failures,
        "reckoning": asdict(told),
    }  # fmt: skip
