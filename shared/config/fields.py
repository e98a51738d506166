"""The kinds of values that a YAML file of ours may hold: what is accepted, what a JSON Schema says of it, and what a
finding advises are one object in the field's annotation. A rule's *expected* is what follows "use" in a finding."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import Field
from pydantic_core import core_schema

from shared.config.paths import CONTAINER
from shared.domain.datasets.references import REFERENCE
from shared.validation.rules import LENIENT, Whole

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_S = 366 * 86400
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_AZURE_ML_NAME = r"[A-Za-z]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"  # Of endpoints and deployments.


class Rule:
    """A rule that accepts or refuses a value as a whole, and how JSON Schema says it."""

    __slots__ = ()

    def read(self, value: Any) -> Any:
        """The value as the product uses it. Raises ValueError where it does not fit."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return self.schema()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Rule):
    """A text that is not blank and, where *pattern* is given, fits it as a whole; *advice* replaces "use ..."."""

    pattern: str = ""
    published: str = ""  # The pattern of the JSON Schema, where it is another one.
    expected: str = "a non-empty text"
    advice: str = ""
    described: str = ""

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or not re.fullmatch(self.pattern or "(?s:.*)", value):
            raise ValueError(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        pattern = self.published or self.pattern
        limits: dict[str, Any] = {"pattern": f"^{pattern}$"} if pattern else {"minLength": 1}
        return {"type": "string", **limits, **({"description": self.described} if self.described else {})}

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.with_info_plain_validator_function(self._read)

    def _read(self, value: Any, info: Any) -> str:
        return "" if value is None and info.context is LENIENT else self.read(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Rule):
    """`30s`, `5m`, `2h`, `14d`, or a number of seconds; *word*, where there is one, stands for none."""

    least: int = 1
    word: str = ""

    @property
    def expected(self) -> str:
        return (
            f"{f'{self.word}, or ' if self.word else ''}a duration from {self.least}s to 366d, like 30s, 5m, 2h or 14d"
        )

    def read(self, value: Any) -> int:
        if self.word and value == self.word:
            return 0
        parts = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = int(parts[1]) * _SECONDS[parts[2]] if parts else value
        if type(seconds) is not int or not self.least <= seconds <= _LONGEST_S:
            raise ValueError(self.expected)
        return seconds

    def schema(self) -> dict[str, Any]:
        number = {"type": "integer", "minimum": min(self.least, 1)}
        forms: list[dict[str, Any]] = [number, {"type": "string", "pattern": r"^\d+\s*[smhd]$"}]
        return {"anyOf": [*([{"const": self.word}] if self.word else []), *forms]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Rule):
    """A number from *least* to *most*, which are themselves no such numbers where *between* is set."""

    least: float = 0
    most: float | None = None
    between: bool = False
    example: float | None = None

    @property
    def expected(self) -> str:
        if self.most is None:
            return f"a number from {self.least:g}"
        like = "" if self.example is None else f", like {self.example:g}"
        low, high = ("between", "and") if self.between else ("from", "to")
        return f"a number {low} {self.least:g} {high} {self.most:g}{like}"

    def read(self, value: Any) -> float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and value >= self.least
        if (
            not fits
            or (self.most is not None and value > self.most)
            or (self.between and value in (self.least, self.most))
        ):
            raise ValueError(self.expected)
        return float(value)

    def schema(self) -> dict[str, Any]:
        limits = {"minimum": self.least} | ({} if self.most is None else {"maximum": self.most})
        return {"type": "number", **limits}


@dataclass(frozen=True, slots=True, kw_only=True)
class Character(Rule):
    """One ASCII character, a space too, and none of those in *refused*."""

    refused: str = ""
    expected: str = "one ASCII character"

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in self.refused:
            raise ValueError(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": 1}


@dataclass(frozen=True, slots=True)
class Advice:
    """What a finding advises about a section whose type does not say it."""

    advice: str


@dataclass(frozen=True, slots=True)
class Names:
    """Which names a mapping may have, for the JSON Schema; the section's own code refuses the others."""

    names: Callable[[], Iterable[str]]

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        own_schema: dict[str, Any] = handler(schema)
        return own_schema | {"propertyNames": {"enum": list(self.names())}}


Text: TypeAlias = Annotated[str, Words()]
Texts: TypeAlias = tuple[Text, ...]
DifferentTexts: TypeAlias = Annotated[Texts, Field(json_schema_extra={"uniqueItems": True})]
AzureMlName: TypeAlias = Annotated[
    str, Words(pattern=_AZURE_ML_NAME, expected="a name of Azure ML: letters, digits and dashes, up to 32")
]
ContainerName: TypeAlias = Annotated[
    str, Words(pattern=CONTAINER.pattern, expected="a container's name: 3 to 63 of a-z, 0-9, -")
]
# The code of each section says what is wrong with a path: here it is only a text.
Location: TypeAlias = Annotated[str, Words(published=f"{CONTAINER.pattern}/.+", described="CONTAINER/PATH")]
RowsLocation: TypeAlias = Annotated[
    str,
    Words(
        published=f"({CONTAINER.pattern}/.+|{REFERENCE})",
        described="NAME@VERSION of a published data set, or CONTAINER/PATH",
    ),
]
Seconds: TypeAlias = Annotated[int, Duration()]
ZeroOrMoreSeconds: TypeAlias = Annotated[int, Duration(least=0)]
Amount: TypeAlias = Annotated[float, Number()]
Share: TypeAlias = Annotated[float, Number(most=1, example=0.3)]
Count: TypeAlias = Annotated[int, Whole(least=1, most=2**31 - 1)]
