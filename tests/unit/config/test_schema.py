"""The published JSON Schema is fresh, and agrees with the loader about shapes."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config.schema import schema

PROJECT = Path(__file__).parents[3]


def test_the_committed_schema_is_the_generated_one():
    assert json.loads((PROJECT / "signalbox.schema.json").read_text()) == schema()


def test_it_accepts_the_example():
    jsonschema_rs.validate(schema(), yaml.safe_load((PROJECT / "signalbox.yaml").read_text()))


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("overrides", {"error_threshold": -2}),
        ("score", {"model": "m:latest"}),
        ("group", {"window": {"quiet": "soon"}}),
    ],
)
def test_it_refuses_what_the_loader_refuses(section, change):
    example = yaml.safe_load((PROJECT / "signalbox.yaml").read_text())
    route = example["routes"]["diabetes-each"]
    route[section] = change if section == "group" else route[section] | change

    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema(), example)
