"""Who the person is here, what they may do where, and until when they are signed in.

It stands alone as every page does; the API has the rules.
"""

from triggers.console.page import PageRequest, View


async def show(request: PageRequest) -> View:
    me = await request.api("show_me")
    return View(template="me.html", title=me.name, data={"me": me, "signed_in_at": request.session.opened.isoformat()})
