"""What reading the files showed: plain counts and examples, no judgement and no vendor types."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

EXAMPLES = 10
CATEGORIES = 1000
OTHER = "(other values)"

Rule = Literal[
    "readable", "shape", "column", "extra", "type", "null", "min", "max", "allowed", "pattern", "key", "rule"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One offender; *row* counts records from 1 without the header, 0 means the file as a whole."""

    file: str
    row: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """*count* rows (or files, for the rules readable, column and extra) broke *rule*; the first ten are shown.

    Of a rule of the project *rule* is its name, `rules.py:plausible`. That it could not be asked breaks the rule
    `rule`, and *column* is its name.
    """

    rule: str
    column: str
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A column counted for its distribution test; nulls and values of the wrong type are left out.

    *cells*, for numbers: how many values are <= breakpoint 0, in (0, 1], ..., above the last: one more than edges.
    *counts*, for categories: values as text and how often each occurred.
    """

    cells: tuple[int, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.cells) + sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Everything that `data_check.judge_data` needs; *rows_per_file* counts every record, broken ones too.

    *sources* are the digests of the project's own rules that were asked, by their names.
    """

    rows_per_file: Mapping[str, int]
    breaches: tuple[Breach, ...] = ()
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(self.rows_per_file.values())


class Breaches:
    """Breaches as they are met, in the order of the files and rows."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Rule, str], int] = {}
        self._examples: dict[tuple[Rule, str], list[Example]] = {}

    def add(self, rule: Rule, column: str, count: int, examples: list[Example]) -> None:
        """Count *count* more; only as many *examples* are kept as there is room for."""
        key = (rule, column)
        self._counts[key] = self._counts.get(key, 0) + count
        kept_examples = self._examples.setdefault(key, [])
        kept_examples.extend(examples[: EXAMPLES - len(kept_examples)])

    def take(self, more_breaches: "Breaches", first: int) -> None:
        """Those of a piece of a file whose rows follow row *first*."""
        for (rule, column), count in more_breaches._counts.items():
            kept_examples = self._examples.setdefault((rule, column), [])
            self._counts[rule, column] = self._counts.get((rule, column), 0) + count
            for example in more_breaches._examples[rule, column][: EXAMPLES - len(kept_examples)]:
                kept_examples.append(replace(example, row=example.row + first))

    def all(self) -> tuple[Breach, ...]:
        return tuple(
            Breach(rule=rule, column=column, count=count, examples=tuple(self._examples[rule, column]))
            for (rule, column), count in sorted(self._counts.items())
            if count
        )
