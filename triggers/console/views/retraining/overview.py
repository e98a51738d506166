"""What is retrained and watched, and the runs of training of all models.

It stands alone as every page does; the API has the rules.
"""

import asyncio

from shared.contracts import RetrainingOutcome
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

FILTERS = ("model", "outcome", "cursor")


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    learning, page = await asyncio.gather(request.api("show_learning"), request.api("list_retrainings", query=query))
    data = {
        "models": learning.models,
        "rows": page.retrainings,
        "next": next_page("/console/retraining", query, page.next),
        "filters": query,
        "names": [row.model for row in learning.models if row.retrained],
        "outcomes": ["under way", *(outcome.value for outcome in RetrainingOutcome)],
    }
    return View(template="retraining.html", title="Retraining and drift", data=data)
