"""Texts as numbers: the code of a text is its place among those met so far. Only equality means anything."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Vocabulary:
    """Of a classifier's labels: a few, however many rows have them."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code(self, text: str) -> float:
        return float(self._codes.setdefault(text, len(self._codes)))

    def texts(self, codes: Any) -> "NDArray[Any]":
        """The texts of a column of codes."""
        import numpy as np

        return np.array(list(self._codes))[np.asarray(codes, dtype=np.int64)]
