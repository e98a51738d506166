"""The rules of single fields, as annotations of their types: what pydantic checks, what a JSON Schema says, and what a
refusal advises come from the same object."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from shared.validation.types import split

CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"  # As in a class of characters; no text of a request has any of them.
LENIENT = object()  # The context of a reading in which a missing text is an empty one.
_CONTROL = re.compile(f"[{CONTROL}]")
_NAMES: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of *shortest* to *longest* characters that fits *pattern* as a whole; *means* says so in words."""

    shortest: int = 1
    longest: int = 1000
    pattern: str = ""
    means: str = ""

    @property
    def expected(self) -> str:
        like = f" like {self.pattern}" if self.pattern else ""
        return self.means or f"a text of {self.shortest} to {self.longest} characters{like}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        text = core_schema.str_schema(min_length=self.shortest, max_length=self.longest)
        return core_schema.no_info_after_validator_function(self._fitting, text)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        own_schema = {"description": self.means} if self.means else {}
        pattern = f"^(?:{self.pattern})$" if self.pattern else f"^[^{CONTROL}]*$"
        limits = {"minLength": self.shortest, "maxLength": self.longest, "pattern": pattern}
        return {"type": "string", **limits, **own_schema}

    def _fitting(self, text: str) -> str:
        # Not by pydantic's own pattern: that one is searched for, and its "$" lets a line end follow.
        if _CONTROL.search(text) or (self.pattern and not re.fullmatch(self.pattern, text)):
            raise ValueError(self.expected)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number in a range. 13.0 is one in JSON Schema, and here."""

    least: int
    most: int

    @property
    def expected(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        number = core_schema.int_schema(ge=self.least, le=self.most)
        return core_schema.no_info_before_validator_function(whole_number, number)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """A list of *fewest* to *most* entries, no two alike where *different*."""

    fewest: int = 0
    most: int = 1000
    different: bool = False

    @property
    def expected(self) -> str:
        return f"a list of {self.fewest} to {self.most}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        entries = handler(source) | {"min_length": self.fewest, "max_length": self.most}
        return core_schema.no_info_after_validator_function(_different, entries) if self.different else entries

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        own_schema: dict[str, Any] = handler(schema)
        return own_schema | ({"uniqueItems": True} if self.different else {})


Name: TypeAlias = Annotated[str, Text(longest=256, pattern=r"[^\x00-\x1f\x7f]+")]
# A name that may be left out, or sent as the empty text that leaving it out means.
OptionalName: TypeAlias = Annotated[str, Text(shortest=0, longest=256, pattern=r"[^\x00-\x1f\x7f]*")]
Sentence: TypeAlias = Annotated[
    str,
    Text(pattern=rf"[^\S{CONTROL}]*[^\s{CONTROL}][^{CONTROL}]*", means="a text that says something"),
]


def expected_of(hint: Any) -> str:
    """What a field of this type takes, in words: "a whole number from 1 to 100"."""
    kind, rules = split(hint)
    expectation = next((rule.expected for rule in reversed(rules) if hasattr(rule, "expected")), "")
    if expectation:
        return expectation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(member.value) for member in kind)}"
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) is tuple:
        return "a list"
    return _NAMES.get(kind, "a JSON object")


def whole_number(value: Any) -> Any:
    """A float without a fraction as the whole number that it is; every other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _different(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if len({str(entry) for entry in entries}) < len(entries):
        from pydantic_core import PydanticCustomError

        raise PydanticCustomError("repeated", "an entry is there twice", {"expected_here": "each entry once"})
    return entries
