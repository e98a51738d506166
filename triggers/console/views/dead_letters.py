"""What could not be taken in, and why; with `letter` in the address one of them, with what a replay would do.

It stands alone as every page does; the API has the rules.
"""

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

ORDERS = {"": "the newest days first", "stored": "the oldest first", "reason": "by reason"}


async def show(request: PageRequest) -> View:
    if named := request.query.get("letter"):
        return await _show_letter(request, named)
    query = asked(request.query, ("sort", "cursor"))
    page = await request.api("list_dead_letters", query=query)
    data = {
        "rows": page.letters,
        "total": page.total,
        "next": next_page("/console/dead-letters", query, page.next),
        "unseen": page.unseen,
        "filters": query,
        "orders": ORDERS,
    }
    return View(template="dead_letters.html", title="Dead letters", data=data)


async def _show_letter(request: PageRequest, path: str) -> View:
    letter = await request.api("show_dead_letter", query={"path": path})
    data = {"letter": letter, "would": [line for lines in letter.would for line in lines]}
    return View(template="dead_letter.html", title="Dead letter", data=data)
