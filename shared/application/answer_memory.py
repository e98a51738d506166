"""The eTags of the newest answers of a worker: whether a caller has the answer already is known before it is made."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

_KEPT = 512
_FRESH = timedelta(seconds=30)  # Time alone changes an answer: what is waited for expires.


@dataclass(frozen=True, slots=True, kw_only=True)
class _GivenAnswer:
    marker: str
    etag: str
    at: datetime


class AnswerMemory:
    """The eTags of the newest answers of a worker, each with the change marker under which it was made."""

    def __init__(self) -> None:
        self._answers = OrderedDict[tuple[str, ...], _GivenAnswer]()

    def standing(self, key: tuple[str, ...], marker: str, now: datetime) -> str:
        """The eTag of the answer to *key*, which would be the same now; empty where it has to be made."""
        answer = self._answers.get(key)
        if answer is None or answer.marker != marker or abs(now - answer.at) > _FRESH:
            return ""
        return answer.etag

    def keep(self, key: tuple[str, ...], marker: str, now: datetime, etag: str) -> None:
        self._answers[key] = _GivenAnswer(marker=marker, etag=etag, at=now)
        self._answers.move_to_end(key)
        if len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
