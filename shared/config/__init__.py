"""`signalbox.yaml` to frozen dataclasses: read whole, refused whole, with every error at once.

`load` is what the app calls; `check` also returns warnings. The JSON Schema for editors is in `shared.config.schema`.
"""

from pathlib import Path

from shared.config.document import read_document
from shared.config.findings import ConfigurationError, FileFinding
from shared.config.guard import loop_findings
from shared.config.hubs.guard import hub_findings
from shared.config.reading import FilePlace, Report, read_file
from shared.config.sections.whole import SignalboxFile, configuration_of
from shared.config.teams.files import with_team_files
from shared.config.teams.guard import with_owners
from shared.domain.configuration import Configuration

__all__ = ["Configuration", "ConfigurationError", "FileFinding", "check", "load"]


def load(path: Path) -> Configuration:
    """The configuration in the file *path*. Raises ConfigurationError with every error in it."""
    configuration, findings = _read(path)
    errors = tuple(finding for finding in findings if finding.level == "error")
    if errors or configuration is None:
        raise ConfigurationError(path.name, errors)
    return configuration


def check(path: Path) -> tuple[FileFinding, ...]:
    """Every error and warning in the file *path* and in the data contracts that it names, by file and line."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Configuration | None, tuple[FileFinding, ...]]:
    document, findings = read_document(path)
    if document is None:
        return None, findings
    split = with_team_files(document, path)
    report = Report(document=split.document, home=path.parent, findings=[*findings, *split.findings])
    file, configuration = read_file(SignalboxFile, report), None
    if file is not None:
        configuration = configuration_of(file, FilePlace(report), split.teams)
        report.findings.extend(loop_findings(configuration, report.document))
        report.findings.extend(hub_findings(configuration, report.document))
        if file.teams:
            configuration, team_findings = with_owners(configuration, file.permissions is not None, split, path.name)
            report.findings.extend(team_findings)
    return configuration, tuple(
        sorted(report.findings, key=lambda finding: (finding.file, finding.line, finding.field))
    )
