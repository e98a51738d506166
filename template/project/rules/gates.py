"""Gates of this project: each is named in the ladder of `signalbox.yaml`, and asked in a process of its own.

A gate gets the parts of the evidence that it needs, and its options. The same evidence must always give the same
answer.
"""

from typing import Any


def enough_rows(evidence: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Were enough rows tested to judge the model by them?"""
    rows = evidence["data_test"]["rows"]
    outcome = "pass" if rows >= options["rows"] else "inconclusive"
    because = f"{rows} rows were tested, {options['rows']} are needed"
    return {"outcome": outcome, "because": because, "figures": {"rows": rows}}
