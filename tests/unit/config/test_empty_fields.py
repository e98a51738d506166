"""A field without a value reads as left out, in the loader and in the published schema: both say the same of each."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from shared.config.contract_file import ContractSection
from shared.config.contract_schema import contract_schema
from shared.config.contracts import read_rules
from shared.config.document import Document
from shared.config.reading import Report, read_file
from shared.config.schema import schema
from shared.config.sections.whole import SignalboxFile
from tests.amounts import sample

PROJECT = Path(__file__).parents[3]
# The schema says that they must be there; the reader leaves it to the code of their section.
REQUIRED_BY_THEIR_SECTION = ("devops.organisations", "break_glass.roles")


def emptied(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The whole *content* with one field after the other empty; no entry of a list is a field."""
    steps = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for step, inner in steps:
        place = (*path, step)
        if isinstance(step, str):
            yield ".".join(map(str, place)), place
        yield from emptied(inner, place)


def with_empty(content: Any, place: tuple[Any, ...]) -> Any:
    content = copy.deepcopy(content)
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = None
    return content


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "kind", "published"),
    [
        ("signalbox.yaml", SignalboxFile, schema),
        ("examples/diabetes/contract.yaml", ContractSection, contract_schema),
    ],
    ids=["signalbox", "data-contract"],
)
def test_the_reader_and_the_schema_agree_on_every_empty_field(path, kind, published):
    content = yaml.safe_load((PROJECT / path).read_text())
    validator, different, empty = jsonschema_rs.Draft202012Validator(published()), [], 0

    for name, place in sample([*emptied(content)], 100):
        changed = with_empty(content, place)
        report = Report(document=Document(content=changed, lines={}), home=PROJECT)
        read_file(kind, report)
        empty += not report.findings
        if validator.is_valid(changed) == bool(report.findings) and name not in REQUIRED_BY_THEIR_SECTION:
            different.append((name, [str(finding) for finding in report.findings]))

    assert (different, empty > 5) == ([], True)


@pytest.mark.parametrize("fields", ["min: ", "allowed: ", "pattern: ", "nullable: "])
def test_an_empty_field_of_a_column_reads_as_left_out(tmp_path, fields):
    path = tmp_path / "contract.yaml"
    path.write_text(f"format: csv\ncolumns:\n  - name: x\n    type: string\n    {fields}\n")
    file = read_rules(tmp_path, "contract.yaml")
    path.write_text("format: csv\ncolumns:\n  - name: x\n    type: string\n")

    assert file.findings == ()
    assert file.contract == read_rules(tmp_path, "contract.yaml").contract


def test_a_fault_in_one_column_hides_no_fault_elsewhere(tmp_path):
    (tmp_path / "contract.yaml").write_text(
        "format: csv\nkeys: [nobody]\ncolumns:\n"
        "  - {name: a, type: text, min: 1}\n  - {name: b, type: integer, min: 2, max: 1}\n  - {type: date}\n"
    )

    assert [finding.field for finding in read_rules(tmp_path, "contract.yaml").findings] == [
        "columns[0].type",
        "columns[2].name",
        "columns[1].min",
        "keys[0]",
    ]
