"""Whom the promotions on a list wait for, and until when: asked of the records only where something has changed."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.application.promotion.awaited_roles import Waited, waited_for
from shared.contracts import Promotion
from shared.domain.promotion.ladder import BreakGlass
from shared.ports import Ledger
from shared.records import paths
from shared.records.lists.index import RowSet
from shared.records.statements import Statements

_FRESH = timedelta(seconds=30)  # Time alone ends a wait that expires.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """*request* is the promotion, None where it is not open any more, and *roles* those that it waits for."""

    request: Promotion | None
    roles: tuple[Waited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    change: str
    at: datetime
    waits: Waits


class WaitingRoles:
    """Whom promotions wait for by their records. One instance serves a worker; it keeps the newest answers."""

    def __init__(self, statements: Statements, ledger: Ledger, glass: BreakGlass) -> None:
        self._statements, self._ledger, self._glass = statements, ledger, glass
        self._answers = dict[str, _Answer]()

    def of(self, promotions: Iterable[str], rows: RowSet, now: datetime) -> dict[str, Waits]:
        """By promotion, as of *rows* of the index: each change of a promotion moves its marker there."""
        names = list(promotions)
        self._answers = {name: answer for name, answer in self._answers.items() if abs(now - answer.at) < _FRESH}
        due = [name for name in names if not self._is_fresh(name, rows)]
        # Each promotion is a dozen reads, and a worker that has just started knows none of them.
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for name, waits in zip(due, pool.map(lambda name: self._ask(name, now), due), strict=True):
                self._answers[name] = _Answer(change=rows.change(name), at=now, waits=waits)
        return {name: self._answers[name].waits for name in names}

    def _is_fresh(self, name: str, rows: RowSet) -> bool:
        return name in self._answers and self._answers[name].change == rows.change(name)

    def _ask(self, name: str, now: datetime) -> Waits:
        request = self._statements.store.get(Promotion, paths.open_promotion(name))
        if request is None:
            return Waits(request=None, roles=())
        return Waits(
            request=request, roles=tuple(waited_for(self._statements, self._ledger, self._glass, request, now))
        )
