"""What one worker keeps of the lists that people look at: rows, whom promotions wait for, and the newest answers.

It stands alone, because the composition root makes one for each worker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.application.answer_memory import AnswerMemory
from shared.application.lists import (
    NEWEST,
    RowFilter,
    RowOrder,
    Selection,
    Selections,
    counted,
    matching,
    rows_in_scope,
)
from shared.application.promotion.waits import WaitingRoles
from shared.domain.configuration import Configuration
from shared.domain.promotion.ladder import BreakGlass
from shared.domain.teams.ownership import Scope
from shared.ports import Ledger
from shared.records.lists.index import IndexLook, ListIndex, RowSet
from shared.records.lists.rows import COLUMNS
from shared.records.statements import Statements

# The looks of the request that is being answered, by kind. A context goes along into the threads that it starts.
_LOOKS = ContextVar[dict[str, IndexLook]]("looks")


class ListReaders:
    """One instance serves all requests of a worker. Losing it costs a reading."""

    def __init__(self, statements: Statements, ledger: Ledger, glass: BreakGlass) -> None:
        store = statements.store
        self._indexes = {kind: ListIndex(store.hub, store.container, kind) for kind in COLUMNS}
        self.waiting_roles = WaitingRoles(statements, ledger, glass)
        self.answers = AnswerMemory()
        self._selections = Selections()

    def rows(self, kind: str) -> RowSet:
        """All rows of *kind* as they are now, or as of the marker that was read in the same `one_look`."""
        return self._indexes[kind].rows(_LOOKS.get({}).get(kind))

    def selection(
        self,
        kind: str,
        rows: RowSet,
        configuration: Configuration,
        scope: Scope,
        wanted: RowFilter,
        column: str,
        order: RowOrder = NEWEST,
    ) -> Selection:
        """Those of *rows* inside *scope* that *wanted* lets through, and how many have each value of *column*."""
        key = (scope, *wanted.key, column, order)
        selection = self._selections.find(kind, rows, key)
        if selection is None:
            entries = matching(kind, rows_in_scope(kind, rows, configuration, scope), wanted)
            selection = Selection(entries=order.of(kind, entries), counts=counted(kind, entries, column))
            self._selections.keep(kind, rows, key, selection)
        return selection

    def marker(self, kind: str) -> str:
        """What changes whenever a row of *kind* does."""
        look = self._indexes[kind].look()
        _LOOKS.get({})[kind] = look
        return look.marker

    @contextmanager
    def one_look(self) -> Iterator[None]:
        """Within it rows are those of the marker that was read before: storage is asked once for an answer."""
        before = _LOOKS.set({})
        try:
            yield
        finally:
            _LOOKS.reset(before)
