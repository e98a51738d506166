"""Event subscriptions: the paths that routes take, packed into as few filters as Event Grid's limits allow. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.configuration import Configuration
from shared.domain.inference.routes import Grouping
from shared.domain.paths.patterns import fixed_prefix
from shared.operations.doctor.checks.events import WHOLE_FILE_OPERATIONS

MOST_VALUES, LONGEST_VALUE = 25, 512  # Of all filters of one subscription together, and of one value.
FILE_EVENTS = ("Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobRenamed")
MODEL_EVENTS = ("Microsoft.MachineLearningServices.ModelRegistered",)
_SUBJECT = "/blobServices/default/containers/{container}/blobs/{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSubscription:
    """One subscription of the hub: events of files whose subject begins with one of *prefixes*."""

    name: str
    prefixes: tuple[str, ...]
    operations: tuple[str, ...] = WHOLE_FILE_OPERATIONS

    def passes(self, subject: str) -> bool:
        """Whether an event about *subject* is delivered; Event Grid compares without case."""
        return subject.lower().startswith(tuple(prefix.lower() for prefix in self.prefixes))

    def filters(self) -> list[dict[str, object]]:
        """The advanced filters in Event Grid's own form: all of them must hold, and of each one value."""
        return [
            {"operatorType": "StringBeginsWith", "key": "subject", "values": list(self.prefixes)},
            {"operatorType": "StringIn", "key": "data.api", "values": list(self.operations)},
        ]


def file_subscriptions(configuration: Configuration, account: str) -> tuple[FileSubscription, ...]:
    """Subscriptions of *account* of which exactly one passes each path there that a route or a training set takes.

    Raises ValueError for a route whose fixed part is longer than a filter's value may be.
    """
    prefixes = _disjoint(
        subject(location)
        for location in watched_locations(configuration)
        if configuration.account_of(location.partition("/")[0]) == account
    )
    if too_long := next((prefix for prefix in prefixes if len(prefix) > LONGEST_VALUE), None):
        raise ValueError(f"{too_long} has more than {LONGEST_VALUE} characters; shorten the fixed part of `take`")
    room = MOST_VALUES - len(WHOLE_FILE_OPERATIONS)
    return tuple(
        FileSubscription(name=f"signalbox-files-{start // room + 1}", prefixes=tuple(prefixes[start : start + room]))
        for start in range(0, len(prefixes), room)
    )


def watched_locations(configuration: Configuration) -> Iterator[str]:
    """The `container/path` before the first wildcard of everything whose arrival starts something."""
    for route in configuration.routes:
        if route.group.kind is not Grouping.SCHEDULE:
            yield _fixed_location(route.take)
    for rules in configuration.retraining:
        yield from (_fixed_location(data.take) for data in rules.data)


def subject(location: str) -> str:
    """The subject of an event about the blob or folder at *location* (`container/path`)."""
    container, _, path = location.partition("/")
    return _SUBJECT.format(container=container, path=path)


def _fixed_location(pattern: str) -> str:
    container, _, path = pattern.partition("/")
    return f"{container}/{fixed_prefix(path)}"


def _disjoint(prefixes: Iterator[str]) -> list[str]:
    """The *prefixes* that no other covers, so that no event passes two of them."""
    outermost = list[str]()
    for prefix in sorted(prefixes, key=str.lower):
        if not outermost or not prefix.lower().startswith(outermost[-1].lower()):
            outermost.append(prefix)
    return outermost
