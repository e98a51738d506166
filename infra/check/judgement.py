"""Everything together: read each template, evaluate each installation, and ask every rule."""

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from infra.check.evaluation import Evaluation, Files
from infra.check.findings import Finding, Place, TemplateError
from infra.check.installation import Installed, install
from infra.check.language.parser import parse
from infra.check.queries import query_findings
from infra.check.rules import RULES
from infra.check.static import static_findings
from infra.check.types import Catalogue

EXAMPLES = tuple(f"parameters/{profile}.json" for profile in ("open", "restricted", "sealed"))


def committed_files(folder: Path) -> Files:
    """The templates, queries and data in *folder*."""
    paths = (
        path for path in folder.rglob("*") if path.suffix in (".bicep", ".json", ".kql") and "types" not in path.parts
    )
    return Files({path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)})


def judge(files: Files, installations: Iterable[str] = (), catalogue: Catalogue | None = None) -> list[Finding]:
    """Every finding, in the order of the files; of the three examples where no installation is named."""
    findings = set[Finding]()
    findings.update(_of_texts(files))
    for path in installations or EXAMPLES:
        try:
            installed = install(files, path)
        except TemplateError as error:
            findings.add(error.finding)
            continue
        findings.update(findings_of(installed, catalogue or Catalogue.committed()))
    return sorted(findings)


def findings_of(installed: Installed, catalogue: Catalogue) -> Iterator[Finding]:
    """What is wrong with one installation."""
    for resource in installed.resources:
        yield from catalogue.findings(resource)
    for evaluation in installed.evaluations.values():
        yield from _references(evaluation, catalogue)
    for rule in RULES:
        yield from rule(installed)


def _references(evaluation: Evaluation, catalogue: Catalogue) -> Iterator[Finding]:
    for place, reference in evaluation.references:
        if problem := catalogue.reference_problem(reference):
            yield Finding(place, "references", problem)


def _of_texts(files: Files) -> Iterator[Finding]:
    for path, text in files.texts.items():
        yield from _of_text(path, text)
    yield from query_findings(files)


@lru_cache(maxsize=256)  # Tests of seeded mistakes change one file of many.
def _of_text(path: str, text: str) -> tuple[Finding, ...]:
    try:
        if path.endswith(".bicep"):
            return tuple(static_findings(parse(text, path)))
        if path.endswith(".json"):
            json.loads(text)
    except TemplateError as error:
        return (error.finding,)
    except json.JSONDecodeError as error:
        return (Finding(Place(path, error.lineno), "value", f"it is no JSON: {error.msg}"),)
    return ()
