"""The questions that the product asks a project's own functions. A file is read once for each: what is compared with a
recorded digest is what runs."""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.adapters.project_functions.child import Child
from shared.codec import encode
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.gates.plugins import ProjectGateCall, finding_of
from shared.domain.gates.verdict import GateFinding, failed
from shared.domain.project_functions import ProjectFunction, digest_of

_AT_ONCE = 2  # Each may take the memory that its limits allow.
_LONGEST_NUMBER = 32  # Bytes of one number of a metric's answer, with what separates it from the next.
_PROMOTE_AGAIN = "begin another promotion, which is planned with the file as it is"


class ChangedSource(Exception):
    """The file is not the one that was recorded, or is not there; the message says which."""


class ProjectFunctionProcesses:
    """Implements `shared.ports.ProjectFunctions` for files below *home*. Safe to use from several threads."""

    def __init__(self, home: Path) -> None:
        self._home, self._slots = home, threading.BoundedSemaphore(_AT_ONCE)

    def ask(self, call: ProjectGateCall) -> GateFinding:
        """The finding of the gate. Raises Transient where this machine starts no process."""
        function = ProjectFunction(
            file=call.file,
            function=call.function,
            source=call.source,
            seconds=call.seconds,
            memory_mb=call.memory_mb,
        )
        try:
            reply = self._answer("a gate", function, encode(call.evidence), encode(call.options))
        except ChangedSource as change:
            return failed(str(change))
        return finding_of(reply["returned"]) if "returned" in reply else failed(reply["failed"])

    def contributions(
        self, function: ProjectFunction, truth: Sequence[Any], predictions: Sequence[Any]
    ) -> Sequence[float]:
        """What each row contributes to a metric. Raises Refused where the function gives no finite number for each."""
        try:
            longest = _LONGEST_NUMBER * (len(truth) + 1)
            reply = self._answer("a metric", function, list(truth), list(predictions), longest=longest)
        except ChangedSource as change:
            raise Refused(f"metric {function.name}: {change}") from change
        if "failed" in reply:
            raise Refused(f"metric {function.name}: {reply['failed']}")
        return _numbers(function.name, reply["returned"], len(truth))

    @contextmanager
    def opened(self, function: ProjectFunction, **request: Any) -> Iterator[tuple[Child, str]]:
        """A child that is ready for rows, and the digest of the file that it runs. Raises ChangedSource."""
        source = self._source(function)
        with Child(function) as child:
            child.start("a data rule", source, **request)
            yield child, digest_of(source)

    def _answer(self, kind: str, function: ProjectFunction, *arguments: Any, longest: int = 0) -> Mapping[str, Any]:
        source = self._source(function)
        with self._slots, Child(function, max(longest, 64 * 1024)) as child:
            child.start(kind, source, arguments=arguments)
            return child.reply()

    def _source(self, function: ProjectFunction) -> bytes:
        try:
            source = (self._home / function.file).read_bytes()
        except OSError as error:
            reason = f"{function.file} cannot be read ({error.strerror})"
            raise ChangedSource(f"{reason}; deploy it with the app and promote again") from error
        if function.source and digest_of(source) != function.source:
            was, now = function.source, digest_of(source)
            raise ChangedSource(f"{function.file} was {was} when this was planned and is {now}; {_PROMOTE_AGAIN}")
        return source


def _numbers(name: str, answer: Any, rows: int) -> Sequence[float]:
    remedy = "return a list with one finite number for each row"
    if not isinstance(answer, list) or len(answer) != rows:
        values = f"{counted(len(answer), 'value')} for {counted(rows, 'row')}" if isinstance(answer, list) else ""
        shape = values or repr(answer)[:100]
        raise Refused(f"metric {name}: it returned {shape}; {remedy}")
    for value in answer:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or abs(value) > 1e300 or not math.isfinite(value):
            raise Refused(f"metric {name}: it returned {repr(value)[:100]} for a row; {remedy}")
    return [float(value) for value in answer]
