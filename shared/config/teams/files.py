"""The platform's file and the teams' files as one document, in which each field knows the file that it stands in.

Here names meet: which section may stand in which file, and that no two files give the same name. What the sections say
is read afterwards, of all files together, by `shared.config.sections`.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from shared.config.document import Document, read_document
from shared.config.findings import FileFinding
from shared.config.project_functions import is_file
from shared.config.reading import nearest
from shared.domain.teams.ownership import Belonging

ACCESS = ("roles", "permissions", "machines")
_SHARED = tuple(kind.value for kind in Belonging if kind is not Belonging.STAGE)
TEAM_SECTIONS = (*_SHARED, Belonging.STAGE.value, *ACCESS)
_OF_PLATFORM = (
    *("environments", "hub", "hubs", "devops", "service_bus", "notices"),
    *("registry", "break_glass", "teams", "team_ladder"),
)
_OF_STAGES = ("serve", "train", "entry", "exit")
_GATES = ("entry", "exit")
_NAMED_STAGES = ("promote_to", "candidate")  # The fields of `retraining` that name a stage.
_OPENING = "start with `models:` and `routes:`"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSource:
    """Where a field of the whole stands: as *field* of *document*, which is *file*; empty for the platform's."""

    document: Document
    file: str = ""
    field: str = ""

    def inside(self, name: str) -> "FieldSource":
        return replace(self, field=f"{self.field}.{name}" if self.field else name)

    def finding(self, problem: str, remedy: str, level: str = "error") -> FileFinding:
        line, column = self.document.line(self.field), self.document.column(self.field)
        return FileFinding(
            file=self.file, line=line, column=column, field=self.field, problem=problem, remedy=remedy, level=level
        )

    def address(self, platform: str) -> str:
        """`FILE:LINE:COLUMN`, where *platform* is the name of the platform's own file."""
        return f"{self.file or platform}:{self.document.line(self.field)}:{self.document.column(self.field)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitDocument(Document):
    """The files of all teams as one; *sources* by the dotted paths of what does not stand where the whole says."""

    sources: dict[str, FieldSource]

    def source(self, name: str) -> FieldSource:
        """Where the field *name* of the whole stands."""
        outer = name
        while outer and outer not in self.sources:
            outer = outer.rpartition(".")[0]
        source = self.sources[outer]
        inner = name[len(outer) :].lstrip(".")
        return source.inside(inner) if inner else source

    def finding(self, field: str, problem: str, remedy: str, level: str = "error") -> FileFinding:
        return self.source(field).finding(problem, remedy, level)

    def folder(self, field: str) -> str:
        folder = str(PurePosixPath(self.source(field).file).parent)
        return "" if folder == "." else folder


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFile:
    """The file of the team *name*: *names* belong to it, and *stages* are those of its ladder by their whole names."""

    name: str
    source: FieldSource
    names: dict[Belonging, set[str]] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        return self.source.document.content

    def section(self, name: str) -> dict[str, Any]:
        section = self.content.get(name)
        return section if isinstance(section, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfiguration:
    """The whole *document*, the *teams* whose files are in it, and what is wrong with how they fit together."""

    document: Document
    teams: tuple[TeamFile, ...] = ()
    findings: tuple[FileFinding, ...] = ()


def stage_name(team: str, stage: str) -> str:
    """What the stage called *stage* in the file of *team* is called everywhere else."""
    return f"{team}-{stage}"


def with_team_files(document: Document, path: Path) -> SplitConfiguration:
    """*document*, read from *path*, with the files that its section `teams` names; as it is where there are none."""
    sections = document.content.get("teams")
    if not isinstance(sections, dict) or not sections:
        return SplitConfiguration(document=document)
    merging = _Merging(document, path)
    for name, section in sections.items():
        if isinstance(section, dict) and isinstance(section.get("file"), str):
            merging.add(name, section["file"])
    return SplitConfiguration(
        document=SplitDocument(
            content=merging.content, lines=document.lines, columns=document.columns, sources=merging.sources
        ),
        teams=tuple(merging.teams),
        findings=tuple(merging.findings),
    )


class _Merging:
    """The whole as it grows, a team's file after another."""

    def __init__(self, document: Document, path: Path) -> None:
        self._platform, self._path = FieldSource(document=document), path
        self.content: dict[str, Any] = dict(document.content)
        self.sources = {"": self._platform}
        self.teams: list[TeamFile] = []
        self.findings: list[FileFinding] = []
        self._files: dict[str, str] = {}
        self._machines = {name: self._platform.inside(f"machines.{name}") for name in self._section("machines")}
        for kind in Belonging:
            if kind.value in self.content and isinstance(self.content[kind.value], dict):
                self.content[kind.value] = dict(self.content[kind.value])

    def add(self, name: str, file: str) -> None:
        """Read the *file* of the team *name*, and put what it has into the whole."""
        place = self._platform.inside(f"teams.{name}.file")
        problem = _file_problem(self._path.parent, file) or self._used_twice(name, file)
        if problem:
            self.findings.append(place.finding(*problem))
            return
        document, findings = read_document(self._path.parent / file, _OPENING)
        self.findings += [replace(finding, file=file) for finding in findings]
        if document is None:
            return
        team = TeamFile(name=name, source=FieldSource(document=document, file=file))
        self.teams.append(team)
        self._refuse_sections(team)
        self._add_stages(team)
        for kind in _SHARED:
            self._add_names(team, Belonging(kind))
        self._refuse_shared_access(team)

    def _section(self, name: str) -> dict[str, Any]:
        section = self._platform.document.content.get(name)
        return section if isinstance(section, dict) else {}

    def _used_twice(self, name: str, file: str) -> tuple[str, str] | None:
        first = self._files.setdefault(str(PurePosixPath(file)), name)
        return None if first == name else (f"is {file!r}, the file of team {first}", "give each team its own file")

    def _refuse_sections(self, team: TeamFile) -> None:
        for name, value in team.content.items():
            place = team.source.inside(name)
            if name in TEAM_SECTIONS:
                if value is not None and not isinstance(value, dict):
                    self.findings.append(place.finding(f"is {repr(value)[:60]}", "write a mapping"))
            elif name in _OF_PLATFORM:
                remedy = f"write it in {self._path.name}"
                self.findings.append(place.finding("belongs to the platform's file", remedy))
            else:
                self.findings.append(place.finding("is not a field of a team's file", nearest(name, TEAM_SECTIONS)))

    def _add_names(self, team: TeamFile, kind: Belonging) -> None:
        """Each entry of the section *kind*, unless another file has one of that name."""
        for name, value in team.section(kind.value).items():
            entry = _with_whole_stages(value, team.stages) if kind is Belonging.MODEL else value
            self._put(team, kind, name, entry, team.source.inside(f"{kind.value}.{name}"))

    def _put(self, team: TeamFile, kind: Belonging, name: str, value: Any, source: FieldSource) -> bool:
        whole = self.content.setdefault(kind.value, {})
        if not isinstance(whole, dict):
            return False  # The platform's own section has a finding already.
        path = f"{kind.value}.{name}"
        if name in whole:
            first = self.sources.get(path, self._platform.inside(path)).address(self._path.name)
            remedy = "give one of them another name: names are those of the whole app"
            self.findings.append(source.finding(f"is in {first} too", remedy))
            return False
        whole[name], self.sources[path] = value, source
        team.names.setdefault(kind, set()).add(name)
        return True

    def _add_stages(self, team: TeamFile) -> None:
        """Each stage of the team's ladder: what the platform says of it, with the team's own endpoints and gates."""
        patterns = self._section("team_ladder")
        for stage in team.section(Belonging.STAGE.value):
            if stage in patterns:
                team.stages[stage] = stage_name(team.name, stage)
        for stage, own in team.section(Belonging.STAGE.value).items():
            place = team.source.inside(f"ladder.{stage}")
            if stage not in patterns:
                remedy = nearest(stage, patterns)
                self.findings.append(place.finding(f"is no stage of `team_ladder` in {self._path.name}", remedy))
            elif not isinstance(own, dict | None):
                self.findings.append(place.finding(f"is {repr(own)[:60]}", "write a mapping"))
            elif isinstance(patterns[stage], dict):
                self._add_stage(team, stage, patterns[stage], own or {}, place)

    def _add_stage(
        self, team: TeamFile, stage: str, pattern: Mapping[str, Any], own: Mapping[str, Any], place: FieldSource
    ) -> None:
        for name in own:
            if name not in _OF_STAGES:
                remedy = f"keep {', '.join(_OF_STAGES)} here; all else stands in `team_ladder` of {self._path.name}"
                self.findings.append(place.inside(name).finding("belongs to the platform's stage", remedy))
        general = self._platform.inside(f"team_ladder.{stage}")
        whole, sources = dict(copy.deepcopy(dict(pattern))), dict[str, FieldSource]()
        whole["from"] = self._source_stage(team, pattern.get("from"), patterns=self._section("team_ladder"))
        if isinstance(own.get("serve"), dict | None) and isinstance(pattern.get("serve"), dict | None):
            whole["serve"] = {**(pattern.get("serve") or {}), **(own.get("serve") or {})}
            sources |= {f"serve.{name}": general.inside(f"serve.{name}") for name in pattern.get("serve") or {}}
            sources |= {f"serve.{name}": place.inside(f"serve.{name}") for name in own.get("serve") or {}}
            sources["serve"] = place.inside("serve")
        elif "serve" in own:
            whole["serve"], sources["serve"] = own["serve"], place.inside("serve")
        if "train" in own:
            whole["train"], sources["train"] = own["train"], place.inside("train")
        for phase in _GATES:
            whole[phase] = self._gates(pattern, own, phase, general, place, sources)
        name = team.stages[stage]
        if self._put(team, Belonging.STAGE, name, whole, general):
            self.sources |= {f"ladder.{name}.{inner}": source for inner, source in sources.items()}

    def _gates(
        self,
        pattern: Mapping[str, Any],
        own: Mapping[str, Any],
        phase: str,
        general: FieldSource,
        place: FieldSource,
        sources: dict[str, FieldSource],
    ) -> Any:
        """The platform's gates and the team's: a team can ask for more, and never for less."""
        gates, more = pattern.get(phase) or {}, own.get(phase) or {}
        if not isinstance(gates, dict) or not isinstance(more, dict):
            sources[phase] = place.inside(phase) if isinstance(gates, dict) else general.inside(phase)
            return more if isinstance(gates, dict) else gates
        for gate in more:
            if gate in gates:
                first = general.inside(f"{phase}.{gate}").address(self._path.name)
                remedy = "remove it: a team adds gates to those of the platform, and changes none"
                self.findings.append(place.inside(f"{phase}.{gate}").finding(f"is in {first} too", remedy))
            else:
                sources[f"{phase}.{gate}"] = place.inside(f"{phase}.{gate}")
        return {**more, **gates}

    @staticmethod
    def _source_stage(team: TeamFile, source: Any, patterns: Mapping[str, Any]) -> Any:
        """Where the stage leads from: a stage of the team, or an environment.

        A stage that trains is called like its environment, and what it trained is registered there: the next stage
        leads from the environment.
        """
        own = team.section(Belonging.STAGE.value).get(source) if isinstance(source, str) else None
        if source not in patterns or source not in team.stages or (isinstance(own, dict) and own.get("train")):
            return source
        return team.stages[source]

    def _refuse_shared_access(self, team: TeamFile) -> None:
        """A role of the platform is nobody else's to fill, and a machine's key is found by its name."""
        for role in team.section("roles"):
            if role in self._section("roles"):
                first = self._platform.inside(f"roles.{role}").address(self._path.name)
                remedy = "give it another name, or let the platform leave that role to the teams"
                place = team.source.inside(f"roles.{role}")
                self.findings.append(place.finding(f"is in {first} too", remedy))
        for machine in team.section("machines"):
            place = team.source.inside(f"machines.{machine}")
            first_place = self._machines.setdefault(machine, place)
            if first_place is not place:
                problem = f"is in {first_place.address(self._path.name)} too"
                self.findings.append(place.finding(problem, "give one of them another name: its key has that name"))


def _file_problem(home: Path, file: str) -> tuple[str, str] | None:
    if file.startswith("/") or ".." in PurePosixPath(file).parts:
        return f"is {file!r}, outside the configuration's folder", "name a file in or below it"
    if not is_file(home / file):
        return f"is {file!r}, which is not a file", "name the team's own file beside the configuration, or below it"
    return None


def _with_whole_stages(model: Any, stages: Mapping[str, str]) -> Any:
    """The section of a model whose `retraining` names stages as the whole app calls them."""
    retraining = model.get("retraining") if isinstance(model, dict) else None
    if not isinstance(retraining, dict):
        return model
    named = {name: stages.get(retraining[name], retraining[name]) for name in _named(retraining)}
    return {**model, "retraining": {**retraining, **named}}


def _named(retraining: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in _NAMED_STAGES if isinstance(retraining.get(name), str))
