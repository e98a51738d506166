"""The published JSON Schema of data contracts is fresh, and agrees with the reader about shapes."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config.contract_schema import contract_schema

PROJECT = Path(__file__).parents[3]
EXAMPLE = yaml.safe_load((PROJECT / "examples/diabetes/contract.yaml").read_text())


def test_the_committed_schema_is_the_generated_one():
    assert json.loads((PROJECT / "docs/data-contract.schema.json").read_text()) == contract_schema()


def test_it_accepts_the_example():
    jsonschema_rs.validate(contract_schema(), EXAMPLE)


@pytest.mark.parametrize("change", [{"colums": []}, {"tolerance": 2}, {"columns": []}, {"format": "xls"}])
def test_it_refuses_what_the_reader_refuses(change):
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(contract_schema(), EXAMPLE | change)
