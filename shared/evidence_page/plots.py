"""What a promotion's evidence and a drift report draw: intervals, the worst rows, and how far columns moved."""

from typing import Any

from shared.evidence_page.charts import BAD, GOOD, GRID, INK, Axis, Chart, round_axis, row_axis, ticked


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
    ends = [comparison[end] for _, comparison in rows for end in ("low", "estimate", "high")]
    chart = Chart(
        title="Paired difference on the hold-out rows",
        x=round_axis([0.0, *ends], "improvement over the champion (to the right is better)"),
        y=row_axis([name for name, _ in rows]),
        height=100 + 40 * len(rows),
    )
    for number, (_, comparison) in enumerate(rows):
        colour = GOOD if comparison["low"] > 0 else BAD if comparison["high"] <= 0 else INK
        chart.line([(comparison["low"], -number), (comparison["high"], -number)], colour, 3.5)
        chart.dots([(comparison["estimate"], -number)], colour)
    chart.upright(0)
    return chart.svg()


def worst_rows(evidence: dict[str, Any]) -> str:
    """The rows on which champion and challenger differ most; empty where they were not compared, or are labels."""
    worst = (evidence.get("agreement") or {}).get("worst") or []
    if not worst or not all(_is_number(row[side]) for row in worst for side in ("champion", "challenger")):
        return ""
    champion, challenger = ([float(row[side]) for row in worst] for side in ("champion", "challenger"))
    chart = Chart(
        title=f"The {len(worst)} rows with the largest disagreement",
        x=round_axis([*champion, *challenger], "output"),
        y=row_axis([str(row["key"]) for row in worst]),
        height=120 + 24 * len(worst),
    )
    chart.name("champion", INK)
    chart.name("challenger", GOOD)
    for number, (before, after) in enumerate(zip(champion, challenger, strict=True)):
        chart.line([(before, -number), (after, -number)], GRID, 2.8)
        chart.dots([(before, -number)], INK, 3.6)
        chart.dots([(after, -number)], GOOD, 3.6)
    return chart.svg()


def movements(columns: list[dict[str, Any]], least: float) -> str:
    """Every column's distance from the reference, and the *least* that counts; empty where none was measured."""
    rows = [column for column in columns if column["effect"] is not None]
    if not rows:
        return ""
    distances = [least, *(column["effect"] for column in rows)]
    chart = Chart(
        title="How far each column moved",
        x=ticked(Axis(low=0.0, high=1.05 * max(distances), name="distance from the reference, from 0 to 1")),
        y=row_axis([_label(column) for column in rows]),
        height=100 + 28 * len(rows),
    )
    colours = {"moved": BAD, "steady": GOOD}
    for number, column in enumerate(rows):
        colour = colours.get(column["movement"], INK)
        chart.line([(0.0, -number), (column["effect"], -number)], colour, 3.5)
        chart.dots([(column["effect"], -number)], colour)
    chart.upright(least)
    return chart.svg()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label(column: dict[str, Any]) -> str:
    return str(column["column"]) if column["part"] == "input" else f"{column['column']} ({column['part']})"
