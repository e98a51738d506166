"""Every metric, from the instruments of the product."""

from pathlib import Path

from shared.telemetry.names import COUNTS, LEVELS, SECONDS
from website.reference.markdown import code, table

_INTRODUCTION = """\
# Every metric

Generated from `shared/telemetry/names.py`. [Traces and metrics](../observability.md) says which attributes a
metric has, where metrics are sent, and on what to set alerts.
"""


def page(_: Path) -> str:
    """The page: a table for each kind of instrument."""
    kinds = {"Durations, in seconds": SECONDS, "Counts": COUNTS, "Levels": LEVELS}
    sections = [
        f"## {kind}\n\n{table(('metric', 'measures'), [(code(name), text) for name, text in instruments.items()])}"
        for kind, instruments in kinds.items()
    ]
    return "\n".join([_INTRODUCTION, *sections])
