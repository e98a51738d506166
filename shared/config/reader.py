"""Typed reading of a document's fields: a wrong one is a finding and reads as its default, so that all are found."""

import difflib
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from shared.config.contracts import ContractFile, is_file, read_contract
from shared.config.document import Document
from shared.config.findings import Finding
from shared.config.paths import CONTAINER

T = TypeVar("T")

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_S = 366 * 86400
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
AZURE_ML_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?")  # Of endpoints and deployments.


class Reader:
    """A view of one mapping of the document; findings gather in one list over all views."""

    def __init__(self, document: Document, home: Path) -> None:
        self.home, self.findings = home, list[Finding]()
        self.contracts: dict[str, ContractFile] = {}  # Those that were named so far, by path.
        self._document, self._where, self._content = document, "", document.content

    def fail(self, name: str, problem: str, remedy: str, level: str = "error") -> None:
        field = self._field(name)
        self.findings.append(
            Finding(line=self._document.line(field), field=field, problem=problem, remedy=remedy, level=level)
        )

    def fail_all(self, name: str, problems: Iterable[tuple[str, str]]) -> None:
        for problem, remedy in problems:
            self.fail(name, problem, remedy)

    def known(self, names: Iterable[str]) -> None:
        """Refuse every field but *names*."""
        allowed = list(names)
        for name in self._content:
            if name not in allowed:
                near = difflib.get_close_matches(name, allowed, 1)
                said = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(allowed)}"
                self.fail(name, "is not a field here", said)

    def has(self, name: str) -> bool:
        return self._content.get(name) is not None

    def names(self) -> list[str]:
        return list(self._content)

    def raw(self, name: str) -> Any:
        return self._content.get(name)

    def inside(self, name: str, *, required: bool = False) -> "Reader":
        """The mapping called *name*; where it should be and is not, that is one finding, whatever is read from it."""
        value = self._content.get(name)
        view = object.__new__(Reader)
        view.home, view.findings, view._document = self.home, self.findings, self._document
        view.contracts = self.contracts
        if value is None and required:
            self.fail(name, "is missing", "add this section")
            view.findings = []
        elif value is not None and not isinstance(value, dict):
            self.fail(name, f"is {_short(value)}", "write a mapping")
            view.findings = []
        view._where, view._content = self._field(name), value if isinstance(value, dict) else {}
        return view

    def text(self, name: str, default: str | None = None) -> str:
        return self._read(name, default, "", _is_text, "a non-empty text")

    def optional(self, name: str) -> str:
        """A text that may be left out, and then is empty."""
        return self.text(name) if self.has(name) else ""

    def matching(self, name: str, pattern: re.Pattern[str], wanted: str, default: str | None = None) -> str:
        return self._read(name, default, "", lambda v: _is_text(v) and pattern.fullmatch(v), wanted)

    def container(self, name: str, default: str) -> str:
        return self.matching(name, CONTAINER, "a container's name: 3 to 63 of a-z, 0-9, -", default)

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        allowed = tuple(choices)
        return self._read(name, default, default, lambda v: v in allowed, f"one of {', '.join(allowed)}")

    def flag(self, name: str, default: bool) -> bool:
        return self._read(name, default, default, lambda v: isinstance(v, bool), "true or false")

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number in the range, None where it is absent."""
        if not self.has(name):
            return None
        return self._read(
            name, None, least, lambda v: type(v) is int and least <= v <= most, f"a whole number from {least} to {most}"
        )

    def number(self, name: str, default: float) -> float:
        """A number of at least 0."""
        return float(self._read(name, default, default, _is_amount, "a number from 0"))

    def seconds(self, name: str, default: int, least: int = 1) -> int:
        """A duration: `30s`, `5m`, `2h`, `14d`, or a number of seconds."""
        value = self._content.get(name, default)
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        number = int(found[1]) * _SECONDS[found[2]] if found else value
        if type(number) is not int or not least <= number <= _LONGEST_S:
            self.fail(name, f"is {_short(value)}", f"write a duration from {least}s to 366d, like 30s, 5m, 2h or 14d")
            return default
        return number

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._content.get(name, [])
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            self.fail(name, f"is {_short(value)}", "write a list of texts")
            return ()
        return tuple(value)

    def contract(self, name: str) -> str:
        """A data contract: a file in or below the configuration's folder, relative to it; what is wrong in it is said
        once, however many name it."""
        contract = self.text(name)
        if contract and (contract.startswith("/") or ".." in PurePosixPath(contract).parts):
            self.fail(name, f"is {contract!r}, outside the configuration's folder", "name a file in or below it")
        elif contract and not is_file(self.home / contract):
            self.fail(name, f"is {contract!r}, which is not a file", "name a data contract beside the configuration")
        elif contract and contract not in self.contracts:
            self.contracts[contract] = read_contract(self.home, contract)
            self.findings.extend(self.contracts[contract].findings)
        return contract

    def _read(self, name: str, default: T | None, fallback: T, fits: Callable[[Any], Any], wanted: str) -> T:
        value: Any = self._content.get(name, default)
        if value is None:
            self.fail(name, "is missing", f"give {wanted}")
            return fallback
        if not fits(value):
            self.fail(name, f"is {_short(value)}", f"use {wanted}")
            return fallback
        return value  # type: ignore[no-any-return]  # fits() has just proved its type.

    def _field(self, name: str) -> str:
        return ".".join(part for part in (self._where, name) if part)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _short(value: Any) -> str:
    return repr(value)[:60]
