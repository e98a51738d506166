"""The schemas that were published before they were generated from types accept and refuse what the generated ones do.

`released/` holds them as they were. Every field of the example is removed, and given some of the values, in turn.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from shared.config.contract_schema import contract_schema
from shared.config.schema import schema
from tests.amounts import amount

PROJECT = Path(__file__).parents[3]
RELEASED = Path(__file__).parent / "released"
VALUES = (None, 7, -1, 0, 2.5, True, "x", "", "30s", "landing/x.csv", [], [1], ["x"], ["x", "x"], {}, {"strange": 1})
# The loader took a duration of no seconds, which the schema refused; and it refused a gate that the schema took empty.
MENDED = {
    ("schedules", "monthly-training", "jitter"): 0,
    ("models", "diabetes-progression", "retraining", "gate"): None,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*path, step))


def changed(document: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """The document with one field removed, or given one of the values: its path, the value and the whole."""
    for number, path in enumerate(places(document)):
        stride = amount(15, 1)
        for value in (*VALUES[number % stride :: stride], ...):
            whole = copy.deepcopy(document)
            inner = whole
            for step in path[:-1]:
                inner = inner[step]
            if value is ...:
                del inner[path[-1]]
            else:
                inner[path[-1]] = value
            yield path, value, whole


def everything() -> dict[str, Any]:
    """The project's own configuration, with the sections and fields that it leaves out."""
    content = yaml.safe_load((PROJECT / "signalbox.yaml").read_text())
    order = {"start": "promotion", "model": "m", "to": "preprod"}
    merge = {"project": "p", "repository": "r", "branch": "refs/heads/main", "start": order}
    del content["ladder"]["production"], content["ladder"]["preprod"]["rehearse"]  # Newer than the released schema.
    del content["provisioning"]
    del content["notices"]
    for route in content["routes"].values():
        route["score"] |= {"deployment": "blue", "model": "diabetes-progression:1"}  # Every route was pinned.
    content["devops"]["merges"] = {"main": merge}
    content["permissions"] = {"data-owner": {"read": "all", "decide": ["dev"]}}
    content["service_bus"] = {"subscription": "s", "resource_group": "g"}
    content["machines"]["command-line"]["app"] = "a"
    content["ladder"]["central"] |= {"newer": "replace", "atomic": False}
    content["ladder"]["central"]["approvals"]["delegates"] = {"data-scientist": "ml-engineer"}
    content["schedules"]["monthly-training"]["jitter"] = "5m"
    content["models"]["diabetes-progression"]["retraining"]["stop"] = {"metric": "mae", "above": 200}
    return dict(content)


def contract() -> dict[str, Any]:
    """The example's data contract, with the limit that it had when the schema was released."""
    content = yaml.safe_load((PROJECT / "examples/diabetes/contract.yaml").read_text())
    content["distribution"]["psi_limit"] = 5
    del content["distribution"]["effect"]
    return dict(content)


@pytest.mark.long
@pytest.mark.parametrize(
    ("released", "generated", "document"),
    [
        ("signalbox.schema.json", schema, everything()),
        ("data-contract.schema.json", contract_schema, contract()),
    ],
    ids=["signalbox", "data-contract"],
)
def test_what_was_accepted_is_accepted_and_what_was_refused_is_refused(released, generated, document):
    before = jsonschema_rs.Draft202012Validator(json.loads((RELEASED / released).read_text()))
    now = jsonschema_rs.Draft202012Validator(generated())

    different = [
        (path, value)
        for path, value, whole in changed(document)
        if before.is_valid(whole) != now.is_valid(whole)
        and MENDED.get(path, ...) != value
        # A model's name alone follows its endpoint, and was refused.
        and not (path[-2:] == ("score", "model") and value in ("x", "30s"))
        # A field without a value reads as left out, and the released schema refused what the loader took.
        and not (value is None and now.is_valid(whole))
    ]

    assert before.is_valid(document)
    assert different == []
