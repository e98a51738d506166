"""Rows as an online endpoint is asked about them, and its predictions, one for each.

It stands alone because promotions and inference ask endpoints about rows.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.inference.job_logs import kind_of_error, last_error
from shared.ports import EndpointResponse


def predictions_of(answer: EndpointResponse, rows: int, place: str) -> list[Any]:
    """The predictions in *answer* of *place*: a list, by itself or as `predictions`. Refused for anything else."""
    if answer.status != 200:
        # What the script says of a row may repeat it, and everybody reads why a run or a promotion ended.
        kind = kind_of_error(last_error(answer.body.decode(errors="replace")))
        raise Refused(f"{place} answered {answer.status}{f': {kind}' if kind else ''}; its log says why")
    predictions = answer_json(answer.body)
    if isinstance(predictions, dict):
        predictions = predictions.get("predictions")
    if not isinstance(predictions, list) or len(predictions) != rows:
        count = counted(len(predictions), "prediction") if isinstance(predictions, list) else "no predictions"
        raise Refused(f"{place} gave {count} for {counted(rows, 'row')}")
    return predictions


def answer_json(body: bytes) -> Any:
    """None where it is no JSON: then it has no predictions either."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def rows_request(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The cells of *rows* as an online endpoint takes them: numbers where they are numbers."""
    data = [[cell_value(cell) for cell in cells] for cells in rows]
    return {"input_data": {"columns": list(columns), "index": list(range(len(data))), "data": data}}


def cell_value(text: str) -> Any:
    """The number that *text* is, None for a cell without a value, or the text itself: features may be categories."""
    try:
        value = float(text)
    except ValueError:
        return text or None
    if value != value:
        return None
    # Most numbers have a fraction, and are not looked at any further. One that is too large for a float is a whole one.
    may_be_whole = value.is_integer() or math.isinf(value)
    return int(text) if may_be_whole and text.lstrip("+-").isdecimal() else value
