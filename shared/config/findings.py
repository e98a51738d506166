"""What is wrong with a configuration: line, field, value and remedy, never one at a time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFinding:
    """*level* is `error` or `warning`; *line* counts from 1, 0 where there is no line.

    *file* is the path of a team's file, a data contract or a profile beside the configuration; empty for the
    configuration itself. *column* counts from 1, and is 0 where the line says enough.
    """

    line: int
    field: str
    problem: str
    remedy: str
    level: str = "error"
    file: str = ""
    column: int = 0

    def __str__(self) -> str:
        place = ":".join(str(number) for number in (self.line, self.column) if number)
        return f"{place}{': ' if place else ''}{self.field}: {self.problem}; {self.remedy}"

    def placed(self, name: str) -> str:
        """The finding with the name of its file; *name* is the configuration's own."""
        return f"{self.file or name}:{'' if self.line else ' '}{self}"


class ConfigurationError(ValueError):
    """The configuration cannot be used; the message has a line for each finding."""

    def __init__(self, name: str, findings: tuple[FileFinding, ...]) -> None:
        super().__init__("\n".join(finding.placed(name) for finding in findings))
        self.findings = findings
