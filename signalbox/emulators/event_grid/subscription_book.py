"""Every subscription by its name: those of the settings, and those that Resource Manager was asked for since.

What is made or changed there outlives a restart, and so does the deletion of one of the settings.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.event_grid.subscriptions import Subscription, read_subscription

_PLACE = "/subscriptions"
Row = Mapping[str, Any]


class SubscriptionBook(Mapping[str, Subscription]):
    """Iteration gives the names; `rows` gives the definitions as the settings write them."""

    def __init__(self, resources: Resources, given: list[dict[str, Any]]) -> None:
        self._resources = resources
        self._rows: dict[str, Row] = {row["name"]: row for row in given}
        for _, row in resources.below(_PLACE):
            if row.get("is_gone"):
                self._rows.pop(row["name"], None)
            else:
                self._rows[row["name"]] = row
        self._subscriptions = {name: read_subscription(row) for name, row in self._rows.items()}

    def __getitem__(self, name: str) -> Subscription:
        return self._subscriptions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._subscriptions)

    def __len__(self) -> int:
        return len(self._subscriptions)

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(self._rows.values())

    def row(self, name: str) -> Row | None:
        return self._rows.get(name)

    def put(self, row: Row) -> bool:
        """Whether it is new. Raises ValueError with the first thing that the service would refuse."""
        name, subscription = row["name"], read_subscription(row)
        is_new = name not in self._rows
        self._resources.put(f"{_PLACE}/{name}", dict(row))
        self._rows[name], self._subscriptions[name] = row, subscription
        return is_new

    def remove(self, name: str) -> bool:
        is_there = self._rows.pop(name, None) is not None
        self._subscriptions.pop(name, None)
        self._resources.put(f"{_PLACE}/{name}", {"name": name, "is_gone": True})
        return is_there
