"""A trace and its spans, the port by which one is found, and the spans as a tree."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

_NOTED = ("stage", "phase", "move", "instance", "event", "job")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Times are nanoseconds since 1970."""

    span: str
    parent: str
    name: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]

    @property
    def note(self) -> str:
        values = (self.attributes.get(f"signalbox.{name}", "") for name in _NOTED)
        return "  ".join(filter(None, [*values, self.attributes.get("error.type", "") if self.failed else ""]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """*spans* by their beginnings, of two that begin together the longer one first."""

    trace: str
    spans: tuple[Span, ...]

    def tree(self) -> Iterator[tuple[int, Span]]:
        """Each span below its parent, with its depth; a span whose parent is not kept stands at the top."""
        names, below = {span.span for span in self.spans}, defaultdict(list)
        for span in self.spans:
            below[span.parent if span.parent in names else ""].append(span)

        def walk(parent: str, depth: int) -> Iterator[tuple[int, Span]]:
            for span in below[parent]:
                yield depth, span
                yield from walk(span.span, depth + 1)

        yield from walk("", 0)


class SpanSource(Protocol):
    """Where spans are kept."""

    def newest(self, instance: str) -> Trace | None:
        """The newest trace with a span of *instance*; None where there is none."""
        ...
