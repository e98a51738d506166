"""The states of an order, and which may follow which. Each transition is told once: record, note, audit log, event."""

from enum import StrEnum


class OrderState(StrEnum):
    ASKED = "asked"
    PLANNED = "planned"
    CHANGE_OPEN = "change open"
    APPROVED = "approved"
    APPLYING = "applying"
    SETTING_UP = "setting up"
    VERIFYING = "verifying"
    READY = "ready"
    REFUSED = "refused"
    REJECTED = "rejected"
    FAILED = "failed"


_S = OrderState
# A plan without changes needs no approval and nothing applied; Azure DevOps is looked at all the same.
_NEXT: dict[OrderState, frozenset[OrderState]] = {
    _S.ASKED: frozenset({_S.PLANNED, _S.REFUSED, _S.FAILED}),
    _S.PLANNED: frozenset({_S.CHANGE_OPEN, _S.SETTING_UP, _S.FAILED}),
    _S.CHANGE_OPEN: frozenset({_S.APPROVED, _S.REJECTED, _S.FAILED}),
    _S.APPROVED: frozenset({_S.APPLYING, _S.FAILED}),
    _S.APPLYING: frozenset({_S.SETTING_UP, _S.FAILED}),
    _S.SETTING_UP: frozenset({_S.VERIFYING, _S.FAILED}),
    _S.VERIFYING: frozenset({_S.READY, _S.FAILED}),
    _S.FAILED: frozenset(
        {_S.PLANNED, _S.REFUSED, _S.FAILED}
    ),  # Resumed: it is planned anew, since some of it may be done.
    _S.READY: frozenset(),
    _S.REFUSED: frozenset(),
    _S.REJECTED: frozenset(),
}

ENDED_WELL = (_S.READY, _S.REFUSED, _S.REJECTED)  # For good: what follows is another request.


def may_follow(state: OrderState | None, following: OrderState) -> bool:
    """Whether an order in *state* may become *following*; None is an order of which nothing was told yet."""
    return following is OrderState.ASKED if state is None else following in _NEXT[state]


def first_words(state: OrderState) -> str:
    """How the note about *state* begins."""
    return {
        _S.ASKED: "The request has become an order.",
        _S.PLANNED: "The changes in Azure are planned.",
        _S.CHANGE_OPEN: "A change request asks for approval of exactly this plan.",
        _S.APPROVED: "The change is approved.",
        _S.APPLYING: "The plan is being applied.",
        _S.SETTING_UP: "Azure DevOps is being set up.",
        _S.VERIFYING: "What was made is being verified.",
        _S.READY: "Everything is verified and ready.",
        _S.REFUSED: "The order is refused.",
        _S.REJECTED: "The change was not approved; nothing was applied.",
        _S.FAILED: "The order has stopped; it can be resumed.",
    }[state]
