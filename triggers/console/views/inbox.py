"""For me: what waits for the person now. What a click leads to is said here, what waits by the API's `inbox`.

It stands alone as every page does; the API has the rules.
"""

from shared.application.inbox import InboxItem, WaitingKind
from triggers.console.page import PageRequest, View

_RUNS = {WaitingKind.RELEASE_DATA, WaitingKind.RELEASE_OUTPUT, WaitingKind.FAILED_RUN}
WORDS = {
    WaitingKind.APPROVAL: "Approve or reject",
    WaitingKind.BREAK_GLASS: "Override failing gates",
    WaitingKind.RELEASE_DATA: "Release data",
    WaitingKind.RELEASE_OUTPUT: "Release predictions",
    WaitingKind.RELEASE_ANSWERS: "Release answers",
    WaitingKind.ROLLOUT: "Look at a rollout",
    WaitingKind.FAILED_RUN: "A run failed",
    WaitingKind.FAILED_PROMOTION: "Your promotion went no further",
}


async def show(request: PageRequest) -> View:
    inbox = await request.api("show_inbox")
    rows = [{"item": item, "words": WORDS[item.kind], "address": _address(item)} for item in inbox.items]
    return View(template="inbox.html", title="For me", data={"rows": rows})


def _address(item: InboxItem) -> str:
    """The page where something can be done about it; empty where the console has none yet."""
    if item.kind is WaitingKind.RELEASE_ANSWERS:
        return ""
    if item.kind is WaitingKind.ROLLOUT:
        return f"/console/rollouts/{item.subject}"
    return f"/console/{'runs' if item.kind in _RUNS else 'promotions'}/{item.subject}"
