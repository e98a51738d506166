"""What one worker keeps of the lists that people look at: rows, whom promotions wait for, and the newest answers.

It stands alone, because the composition root makes one for each worker.
"""

from shared.application.answer_memory import AnswerMemory
from shared.application.promotion.waits import WaitingRoles
from shared.domain.promotion.ladder import BreakGlass
from shared.ports import Ledger
from shared.records.lists.index import ListIndex, RowSet
from shared.records.lists.rows import COLUMNS
from shared.records.statements import Statements


class ListReaders:
    """One instance serves all requests of a worker. Losing it costs a reading."""

    def __init__(self, statements: Statements, ledger: Ledger, glass: BreakGlass) -> None:
        store = statements.store
        self._indexes = {kind: ListIndex(store.hub, store.container, kind) for kind in COLUMNS}
        self.waiting_roles = WaitingRoles(statements, ledger, glass)
        self.answers = AnswerMemory()

    def rows(self, kind: str) -> RowSet:
        """All rows of *kind* as they are now."""
        return self._indexes[kind].rows()

    def marker(self, kind: str) -> str:
        """What changes whenever a row of *kind* does."""
        return self._indexes[kind].marker()
