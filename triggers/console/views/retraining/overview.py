"""What is retrained and watched, and the runs of training of all models.

It stands alone as every page does; the API has the rules.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from shared.contracts import RetrainingOutcome
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, in_order, next_page

FILTERS = ("model", "outcome", "sort", "cursor")
MODEL_ORDERS = {
    "": "by name",
    "-decided": "the last decision first",
    "-waiting": "the most causes first",
    "-spent": "the most spent first",
}
_COLUMNS: Mapping[str, Callable[[Any], Any]] = {
    "model": lambda row: row.model,
    "decided": lambda row: row.decided.at if row.decided else None,
    "waiting": lambda row: row.waiting if row.retrained else None,
    "spent": lambda row: row.spent if row.retrained else None,
}
ORDERS = {
    "": "the newest first",
    "opened": "the oldest first",
    "model": "by model",
    "outcome": "by outcome",
    "-cost": "the dearest first",
}


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    learning, page = await asyncio.gather(request.api("show_learning"), request.api("list_retrainings", query=query))
    orders = asked(request.query, ("models",))
    data = {
        "models": in_order(learning.models, orders.get("models", ""), _COLUMNS),
        "model_orders": MODEL_ORDERS,
        "rows": page.retrainings,
        "next": next_page("/console/retraining", query | orders, page.next),
        "filters": query | orders,
        "orders": ORDERS,
        "names": [row.model for row in learning.models if row.retrained],
        "outcomes": ["under way", *(outcome.value for outcome in RetrainingOutcome)],
    }
    is_training = any(row.running for row in learning.models)
    return View(template="retraining.html", title="Retraining and drift", data=data, moves=is_training)
