"""Which announced events are notices, and what each says. An event that is not in the table is none."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.domain.notices.notice import Notice, NoticeKind, plain_name

_PREFIX = "Signalbox."
_NAMED = ("route", "retrained", "model", "answers", "dataset")
_PAGES = {
    "Promotion": "promotions",
    "Rollout": "rollouts",
    "Inference": "runs",
    "Retraining": "retrainings",
    "Rollback": "models",
    "Traffic": "models",
}


def notice_of(event: str, name: str, subject: str, data: Mapping[str, Any]) -> Notice | None:
    """The notice that the announced event *name* is; None where nobody has to do anything about it."""
    kind = KINDS.get(name.removeprefix(_PREFIX))
    if kind is None:
        return None
    family = name.split(".")[1]
    return Notice(
        event=event,
        kind=NoticeKind.REMINDER if kind is NoticeKind.APPROVAL and data.get("reminder", 0) > 1 else kind,
        thing=_THINGS[family],
        about=plain_name(_about(data)),
        page=_page(family, subject, data),
        stage=plain_name(str(data.get("stage") or "")),
        outcome=_outcome(name),
        roles=tuple(plain_name(str(role)) for role in data.get("roles") or ()),
        until=str(data.get("until") or ""),
        belongs=tuple(_owned(data)),
        tell=(*map(str, data.get("tell") or ()), *filter(None, (str(data.get("owner") or ""),))),
        team=str(data.get("team") or ""),
    )


def _about(data: Mapping[str, Any]) -> str:
    return next((str(data[field]) for field in ("left", *_NAMED) if data.get(field)), "")


def _owned(data: Mapping[str, Any]) -> Iterator[str]:
    """The names whose owners are told. Traffic that was changed by hand may be about several versions."""
    for field in _NAMED:
        for name in str(data.get(field) or "").split():
            yield name.partition(":")[0]


def _page(family: str, subject: str, data: Mapping[str, Any]) -> str:
    """The console's page about it; empty for the one of what waits for a person, where it has none of its own."""
    name = subject.partition("/")[2]
    if family in ("Rollback", "Traffic"):
        name = str(data.get("model") or "").partition(":")[0]
    return f"{_PAGES[family]}/{name}" if family in _PAGES and name else ""


def _outcome(name: str) -> str:
    """The last word of the event's name as words: `BadData` is "bad data"."""
    last = name.rpartition(".")[2]
    return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in last).strip()


_THINGS = {
    "Answers": "answers",
    "Dataset": "data set",
    "Inference": "run",
    "Promotion": "promotion",
    "Retraining": "training",
    "Rollback": "rollback",
    "Rollout": "rollout",
    "Traffic": "traffic",
}
# By the event's name without the prefix that all have.
KINDS: Mapping[str, NoticeKind] = {
    "Promotion.ApprovalRequested": NoticeKind.APPROVAL,
    "Promotion.ApprovalEscalated": NoticeKind.ESCALATION,
    "Promotion.Delegated": NoticeKind.DELEGATION,
    "Inference.Quarantined": NoticeKind.RELEASE,
    "Inference.Held": NoticeKind.RELEASE,
    "Answers.Held": NoticeKind.RELEASE,
    "Rollout.Undecided": NoticeKind.ROLLOUT,
    "Rollback.Done": NoticeKind.ROLLBACK,
    "Traffic.ChangedByHand": NoticeKind.TRAFFIC,
    **dict.fromkeys(
        (
            "Rollback.Failed",
            "Inference.Failed",
            "Inference.Partial",
            "Promotion.Failed",
            "Promotion.Held",
            "Promotion.Expired",
            "Retraining.Failed",
            "Retraining.BadData",
            "Dataset.Failed",
            "Dataset.BadData",
            "Dataset.Conflict",
        ),
        NoticeKind.FAILURE,
    ),
}
