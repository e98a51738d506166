"""Records of a stream, each judged by itself: one bad record says nothing about its neighbours."""

import pytest

from shared.adapters.hub_files.data_checks import HubDataChecks

CONTRACT = """
format: {format}
columns:
  - {{name: id, type: string}}
  - {{name: age, type: number, max: 120}}
  - {{name: sex, type: integer, nullable: true}}
"""


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_each_record_has_its_own_reasons(tmp_path, form):
    (tmp_path / "c.yaml").write_text(CONTRACT.format(format=form))
    records = [
        {"id": "a", "age": 54.0, "sex": 2},
        {"id": "b", "age": 54.0, "sex": 1.5},
        {"id": "c", "age": 999},
        {"id": "d", "age": 1},
        {"id": "\ud800", "age": 1},
        {"id": "f", "age": 1, "more": 1},
        {"id": "g", "age": 10**400},
        {"id": 'h"\n,\x00', "age": 1},
    ]
    faults = HubDataChecks(None, tmp_path).faults("c.yaml", records)

    assert [bool(reasons) for reasons in faults] == [False, True, True, False, True, True, True, False]
    assert "type: column sex" in faults[1][0]
    assert "max: column age" in faults[2][0]
    assert "extra: more" in faults[5][0]


def test_a_plus_sign_is_no_fault(tmp_path):
    (tmp_path / "c.yaml").write_text(CONTRACT.format(format="csv"))

    assert HubDataChecks(None, tmp_path).faults("c.yaml", [{"id": "a", "age": "+54", "sex": "+1"}]) == ((),)
