"""Texts as numbers: the code of a text is its place among those met so far. Only equality means anything."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shared.domain.failures import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Vocabulary:
    """Of a classifier's labels: a few, however many rows have them. With *classes* there are no others."""

    def __init__(self, classes: Sequence[str] = ()) -> None:
        self.classes = tuple(classes)
        self._codes = {text: code for code, text in enumerate(classes)}

    def code(self, text: str, place: str = "") -> float:
        """Raises Refused where *text* is none of the classes; *place* says whose it is."""
        if self.classes and text not in self._codes:
            raise Refused(f"{place} is {text!r}, which is none of the hold-out's classes: {', '.join(self.classes)}")
        return float(self._codes.setdefault(text, len(self._codes)))

    def distribution(self, value: Any, place: str) -> list[float]:
        """The probability of each class, of a list in their order or a mapping by their names. Raises Refused."""
        shares: Any = [value.get(name) for name in self.classes] if isinstance(value, Mapping) else value
        numbers = isinstance(shares, list) and len(shares) == len(self.classes) and all(map(_is_number, shares))
        if not numbers:
            form = f"one probability for each of {', '.join(self.classes)}, as a list in this order or by name"
            raise Refused(f"{place} is {str(value)[:80]!r}; give {form}")
        return [float(number) for number in shares]

    def texts(self, codes: Any) -> "NDArray[Any]":
        """The texts of a column of codes."""
        import numpy as np

        return np.array(list(self._codes))[np.asarray(codes, dtype=np.int64)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
