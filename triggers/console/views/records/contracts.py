"""Data contracts: which there are and where each is used; with `path` in the address one of them with its profile."""

from operator import attrgetter
from typing import Any

from markupsafe import Markup

from shared.evidence_page.charts import INK, Axis, Chart, row_axis, ticked
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, in_order

_WIDTH, _BAR = 380, 12
ORDERS = {"": "by path", "owner": "by owner", "-columns": "the most columns first"}
_COLUMNS = {name: attrgetter(name) for name in ("path", "owner", "columns", "rules", "profiled")}
_LABEL = 18  # Letters of a category beside its bar.


async def show(request: PageRequest) -> View:
    query = asked(request.query, ("path",))
    if not query:
        filters = asked(request.query, ("sort",))
        shown = await request.api("list_data_contracts")
        rows = in_order(shown.contracts, filters.get("sort", ""), _COLUMNS)
        data = {"rows": rows, "filters": filters, "orders": ORDERS}
        return View(template="data_contracts.html", title="Data contracts", data=data)
    shown = await request.api("show_data_contract", query=query)
    profile = [{"column": column, "plot": Markup(plot_of(column))} for column in shown.profile]
    return View(template="data_contract.html", title=shown.path, data={"contract": shown, "profile": profile})


def plot_of(column: Any) -> str:
    """How the column is distributed in the reference, as SVG."""
    bars = column.bars
    top = 1.1 * max([bar.rows for bar in bars], default=1) or 1.0
    if column.kind == "numeric" and bars:
        x = ticked(Axis(low=bars[0].low, high=bars[-1].high), (bars[-1].high - bars[0].low) / 4)
        chart = Chart(title=column.column, x=x, y=Axis(low=0, high=top), height=130)
        for bar in bars:
            middle = (bar.low + bar.high) / 2
            chart.line([(middle, 0), (middle, bar.rows)], INK, 0.8 * 340 / len(bars), cap="butt")
        return chart.bare(_WIDTH)
    names = [bar.name if len(bar.name) <= _LABEL else f"{bar.name[: _LABEL - 1]}…" for bar in bars] or ["no category"]
    x = ticked(Axis(low=0, high=top), max(1, top / 3))
    chart = Chart(title=column.column, x=x, y=row_axis(names), height=44 + 24 * len(names))
    for number, bar in enumerate(bars):
        chart.line([(0, -number), (bar.rows, -number)], INK, _BAR, cap="butt")
    return chart.bare(_WIDTH)
