"""A JSON object from outside, read tolerantly: keys in any case, and a refusal that names the field and its value."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.domain.events import UnreadableEvent


class Fields:
    """A JSON object whose keys are found in any case."""

    def __init__(self, raw: Any, place: str) -> None:
        if not isinstance(raw, Mapping):
            raise UnreadableEvent(f"{place} is {short(raw)}; expected a JSON object")
        self._values = {str(key).lower(): value for key, value in raw.items() if value is not None}
        self._place = place

    def get(self, name: str) -> Any:
        return self._values.get(name.lower())

    def text(self, *names: str) -> str:
        """The first of *names* that is a non-empty string."""
        for name in names:
            value = self.get(name)
            if isinstance(value, str) and value:
                return value
        fields = " or ".join(names)
        raise UnreadableEvent(f"{self._place}.{fields} is {short(self.get(names[0]))}; expected a non-empty string")


def moment_of(text: Any) -> datetime | None:
    """What *text* says with an offset, or None: it comes from outside."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def is_time(value: Any) -> bool:
    """Whether *value* is a text that says a time, with an offset or without."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def short(value: Any) -> str:
    return "missing" if value is None else repr(value)[:160]
