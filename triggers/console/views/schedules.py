"""The schedules, and when each is due next.

It stands alone as every page does; the API has the rules.
"""

from triggers.console.page import PageRequest, View


async def show(request: PageRequest) -> View:
    page = await request.api("list_schedules")
    return View(template="schedules.html", title="Schedules", data={"rows": page.schedules})
