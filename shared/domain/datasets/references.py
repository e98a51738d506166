"""How configuration, commands and requests name a published version: `NAME@VERSION`, or a file in it.

It stands alone: the configuration, the doors and the ladder need it, and none of them the rest of this folder.
"""

import re
from dataclasses import dataclass

DATASET_NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DATASET_VERSION = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,28}[A-Za-z0-9])?"
REFERENCE = rf"{DATASET_NAME}@{DATASET_VERSION}(/.+)?"
_REFERENCE = re.compile(rf"(?P<name>{DATASET_NAME})@(?P<version>{DATASET_VERSION})(/(?P<file>.+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReference:
    """A version, and the *file* in it; without a file, the only file that the version has is meant."""

    name: str
    version: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}{'/' if self.file else ''}{self.file}"


def read_reference(text: str) -> DatasetReference | None:
    """The reference in *text*; None where it names something else, such as container/path of the hub."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    return DatasetReference(name=match["name"], version=match["version"], file=match["file"] or "")
