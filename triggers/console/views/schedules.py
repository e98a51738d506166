"""The schedules, and when each is due next.

It stands alone as every page does; the API has the rules.
"""

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

ORDERS = {
    "": "by name",
    "does": "by what it does",
    "next": "what is due next first",
    "-paused": "those that rest first",
}


async def show(request: PageRequest) -> View:
    query = asked(request.query, ("sort", "after"))
    page = await request.api("list_schedules", query=query)
    data = {
        "rows": page.schedules,
        "total": page.total,
        "next": next_page("/console/schedules", query, page.next, "after"),
        "filters": query,
        "orders": ORDERS,
    }
    return View(template="schedules.html", title="Schedules", data=data)
