"""How a field is marked that earlier releases did not have, in a value whose JSON is digested or signed.

While it has its default it is left out of the JSON, so that what was planned and recorded before an upgrade keeps its
digest. It stands alone because plans, stages and receipts need it, and they import each other.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

NEWER: Mapping[str, bool] = {"newer": True}  # For `dataclasses.field(default=..., metadata=NEWER)`.


@lru_cache(maxsize=256)
def newer_fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The names of those fields of the dataclass *kind*, each with its default."""
    return tuple((field.name, field.default) for field in fields(kind) if field.metadata.get("newer"))
