"""The rules of a project on the rows of files: a reader process reads them, and each rule judges in its own process.

The app only carries the rows from one to the other; it parses none of them.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from shared.adapters.project_functions.child import Child
from shared.adapters.project_functions.functions import ChangedSource, ProjectFunctionProcesses
from shared.adapters.reader.files import TableFile
from shared.adapters.reader.pool import Readers, readers
from shared.adapters.reader.process import ReaderDied
from shared.domain.data.data_contract import DataContract, DataRule
from shared.domain.data.data_measures import EXAMPLES, Breach, Example, Measurements


def with_own_rules(
    measurements: Measurements, files: Sequence[TableFile], contract: DataContract, home: Path, pool: Readers | None
) -> Measurements:
    """*measurements* with what the contract's own rules, whose files lie below *home*, find in *files*.

    A rule that fails, hangs or cannot be asked is a finding. Raises what opening or reading a file raises.
    """
    judges = [_Judge(rule, contract) for rule in contract.rules]
    with ExitStack() as children:
        for judge in judges:
            judge.start(ProjectFunctionProcesses(home), children)
        for judge in judges:
            judge.read(files, contract, pool or readers())
    breaches = (*measurements.breaches, *(breach for judge in judges for breach in judge.breaches()))
    sources = {judge.name: judge.source for judge in judges if judge.source}
    return replace(measurements, breaches=breaches, sources=sources)


class _Judge:
    """One rule while it is asked; *source* is the digest of its file."""

    def __init__(self, rule: DataRule, contract: DataContract) -> None:
        self.name, self.source = rule.function.name, ""
        self._rule, self._columns = rule, rule.columns or contract.names
        self._child: Child | None = None
        self._count, self._examples, self._failure = 0, list[Example](), ""

    def start(self, functions: ProjectFunctionProcesses, children: ExitStack) -> None:
        request = {"columns": self._columns, "options": dict(self._rule.options), "examples": EXAMPLES}
        try:
            self._child, self.source = children.enter_context(functions.opened(self._rule.function, **request))
        except ChangedSource as change:
            self._failure = str(change)
            return
        self._failure = str(self._child.reply().get("failed", ""))

    def read(self, files: Sequence[TableFile], contract: DataContract, pool: Readers) -> None:
        """Judge the rows of *files* until one part cannot be judged."""
        if self._failure:
            return
        try:
            for message, data in pool.stream("read_rows", files, contract, self._columns):
                if data:
                    self._take(str(message["part"]["file"]), data)
                if self._failure:
                    return
        except ReaderDied as death:
            self._failure = f"its rows could not be read: {death.reason}"

    def breaches(self) -> Sequence[Breach]:
        if self._failure:
            example = Example(file=self.name.rpartition(":")[0], row=0, value=self._failure)
            return [Breach(rule="rule", column=self.name, count=1, examples=(example,))]
        if not self._count:
            return []
        return [Breach(rule=self.name, column="", count=self._count, examples=tuple(self._examples))]

    def _take(self, file: str, rows: bytes) -> None:
        assert self._child is not None, "it was started"
        self._child.send(rows)
        reply = self._child.reply()
        if "failed" in reply:
            self._failure = str(reply["failed"])
            return
        self._count += int(reply["returned"]["count"])
        room = EXAMPLES - len(self._examples)
        for number, reason in reply["returned"]["examples"][:room]:
            self._examples.append(Example(file=file, row=int(number), value=str(reason)))
