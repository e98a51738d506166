"""How a field is marked that earlier releases did not have, in a value whose JSON is digested or signed.

While it has its default it is left out of the JSON, so that what was planned and recorded before an upgrade keeps its
digest. It stands alone because plans, stages and receipts need it, and they import each other.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import lru_cache
from typing import Any

NEWER: Mapping[str, bool] = {"newer": True}  # For `dataclasses.field(default=..., metadata=NEWER)`.


@lru_cache(maxsize=256)
def newer_fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The names of those fields of the dataclass *kind*, each with its default.

    Raises TypeError for one without: it would never be left out.
    """
    newer = [field for field in fields(kind) if field.metadata.get("newer")]
    if without := [field.name for field in newer if field.default is MISSING]:
        raise TypeError(
            f"{kind.__name__}: {', '.join(without)} is newer and has no default; give it one, and no factory"
        )
    return tuple((field.name, field.default) for field in newer)
