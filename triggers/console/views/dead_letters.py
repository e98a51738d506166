"""What could not be taken in, why, and a replay of each: first without effect, then for good.

It stands alone as every page does; the API has the rules.
"""

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page


async def show(request: PageRequest) -> View:
    query = asked(request.query, ("cursor",))
    page = await request.api("list_dead_letters", query=query)
    data = {"rows": page.letters, "next": next_page("/console/dead-letters", query, page.next), "unseen": page.unseen}
    return View(template="dead_letters.html", title="Dead letters", data=data)
