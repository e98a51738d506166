"""What a check has to say: a rule, a place, and a sentence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """*rule* is the check's name: a test of a seeded mistake asks for it."""

    place: Place
    rule: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}: {self.problem}"


class TemplateError(Exception):
    """A template that cannot be read or evaluated any further."""

    def __init__(self, place: Place, problem: str, rule: str = "subset") -> None:
        super().__init__(f"{place}: {problem}")
        self.finding = Finding(place, rule, problem)
