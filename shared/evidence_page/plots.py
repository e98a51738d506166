"""Plots of the evidence as SVG text, by matplotlib: drawn here, embedded, no network."""

import io
import re
from collections.abc import Sequence
from typing import Any

INK, GOOD, BAD, GRID = "#1d2733", "#1a7f5a", "#b3372f", "#d7dde4"
_WIDTH, _LETTER = 8.2, 0.08  # Inches; a letter of a label is not wider.
_LONGEST_LABEL = 50


def intervals(evidence: dict[str, Any]) -> str:
    """The paired difference, overall and by slice, with its interval; empty where nothing was compared."""
    evaluation = evidence.get("evaluation") or {}
    rows = [(comparison["metric"], comparison) for comparison in evaluation.get("differences", ())]
    rows += [
        (f"{comparison['difference']['metric']} · {comparison['slice']}", comparison["difference"])
        for comparison in evaluation.get("slices", ())
    ]
    if not rows:
        return ""
    figure, axes = new_figure(1.0 + 0.4 * len(rows), [name for name, _ in reversed(rows)])
    for height, (_, comparison) in enumerate(reversed(rows)):
        colour = GOOD if comparison["low"] > 0 else BAD if comparison["high"] <= 0 else INK
        axes.plot(
            [comparison["low"], comparison["high"]],
            [height, height],
            color=colour,
            linewidth=2.5,
            solid_capstyle="round",
        )
        axes.plot([comparison["estimate"]], [height], "o", color=colour, markersize=6)
    axes.axvline(0, color=INK, linewidth=1, linestyle=":")
    axes.set_xlabel("improvement over the champion (to the right is better)")
    axes.set_title("Paired difference on the hold-out rows", loc="left", fontsize=11, color=INK)
    return svg_text(figure)


def worst_rows(evidence: dict[str, Any]) -> str:
    """The rows on which champion and challenger differ most; empty where they were not compared, or are labels."""
    worst = (evidence.get("agreement") or {}).get("worst") or []
    if not worst or not all(_is_number(row[side]) for row in worst for side in ("champion", "challenger")):
        return ""
    figure, axes = new_figure(1.2 + 0.24 * len(worst), [str(row["key"]) for row in reversed(worst)])
    for height, row in enumerate(reversed(worst)):
        axes.plot(
            [float(row["champion"]), float(row["challenger"])], [height, height], color=GRID, linewidth=2, zorder=1
        )
    heights = range(len(worst))
    axes.scatter(
        [float(row["champion"]) for row in reversed(worst)], heights, color=INK, s=26, label="champion", zorder=2
    )
    axes.scatter(
        [float(row["challenger"]) for row in reversed(worst)], heights, color=GOOD, s=26, label="challenger", zorder=3
    )
    axes.set_xlabel("output")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.set_title(f"The {len(worst)} rows with the largest disagreement", loc="left", fontsize=11, color=INK)
    return svg_text(figure)


def movements(columns: list[dict[str, Any]], least: float) -> str:
    """Every column's distance from the reference, and the *least* that counts; empty where none was measured."""
    rows = [column for column in columns if column["effect"] is not None]
    if not rows:
        return ""
    figure, axes = new_figure(1.0 + 0.28 * len(rows), [_label(column) for column in reversed(rows)])
    colours = {"moved": BAD, "steady": GOOD}
    for height, column in enumerate(reversed(rows)):
        colour = colours.get(column["movement"], INK)
        axes.plot([0, column["effect"]], [height, height], color=colour, linewidth=2.5, solid_capstyle="round")
        axes.plot([column["effect"]], [height], "o", color=colour, markersize=6)
    axes.axvline(least, color=INK, linewidth=1, linestyle=":")
    axes.set_xlabel("distance from the reference, from 0 to 1")
    axes.set_title("How far each column moved", loc="left", fontsize=11, color=INK)
    return svg_text(figure)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label(column: dict[str, Any]) -> str:
    return str(column["column"]) if column["part"] == "input" else f"{column['column']} ({column['part']})"


def new_figure(height: float, rows: Sequence[str] = (), left: int = 5) -> Any:
    """A figure of this *height* in inches and its axes, in the style of the evidence pages.

    *rows* are named at the left, from below; without them there is room for *left* letters. The room is reckoned:
    matplotlib's own layout measures every text four times, in twice the time that it takes to draw the whole.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height))
    axes = figure.subplots()
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, length=0)
    names = [name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…" for name in rows]
    if names:
        axes.set_yticks(range(len(names)), names, parse_math=False)
        axes.set_ylim(-0.6, len(names) - 0.4)
    letters = max((len(name) for name in names), default=left)
    figure.subplots_adjust(
        left=(0.15 + _LETTER * letters) / _WIDTH, right=0.98, bottom=0.5 / height, top=1 - 0.35 / height
    )
    return figure, axes


def svg_text(figure: Any) -> str:
    """The figure as SVG without the XML prologue, scaled by its view box, the same for the same data."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "signalbox", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    return re.sub(
        r'(<svg[^>]*?) height="[^"]*"([^>]*?) width="[^"]*"|(<svg[^>]*?) width="[^"]*"([^>]*?) height="[^"]*"',
        r"\1\3\2\4",
        text[text.index("<svg") :],
        count=1,
    )
