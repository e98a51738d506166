"""Image object labels: one JSON object a line, as Azure ML's AutoML reads them, validated and written canonically.

Format: https://learn.microsoft.com/azure/machine-learning/reference-automl-images-schema (object detection): boxes are
fractions of the image's width and height.
"""

import json
from collections.abc import Collection
from typing import Any

IMAGE = "image_url"
_SIDES = ("topX", "topY", "bottomX", "bottomY")


def read_boxes(line: str, labels: Collection[str]) -> dict[str, Any]:
    """The image and its boxes. Raises ValueError saying what is wrong; only *labels* are allowed, any where empty."""
    try:
        image = json.loads(line)
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from error
    if not isinstance(image, dict) or not isinstance(image.get(IMAGE), str) or not image[IMAGE]:
        raise ValueError(f"it has no {IMAGE}")
    boxes = image.get("label")
    if not isinstance(boxes, list):
        raise ValueError("label is not a list of boxes")
    for number, box in enumerate(boxes):
        wrong = _wrong(box, labels)
        if wrong:
            raise ValueError(f"box {number} {wrong}")
    return image


def canonical(image: dict[str, Any]) -> tuple[str, int]:
    """One text for the same image and boxes in any order and number of repetitions, and how many boxes differ."""
    boxes = {json.dumps(plain, sort_keys=True): plain for plain in map(_plain, image["label"])}
    label = [boxes[text] for text in sorted(boxes)]
    return json.dumps({**image, "label": label}, sort_keys=True, separators=(",", ":"), ensure_ascii=False), len(label)


def _plain(box: dict[str, Any]) -> dict[str, Any]:
    return {**box, **{side: float(box[side]) for side in _SIDES}}


def _wrong(box: Any, labels: Collection[str]) -> str:
    if not isinstance(box, dict) or not isinstance(box.get("label"), str) or not box["label"]:
        return "has no label"
    if labels and box["label"] not in labels:
        return f"has a label that is not known; known are {', '.join(sorted(labels))}"
    sides = [box.get(side) for side in _SIDES]
    if not all(isinstance(side, int | float) and not isinstance(side, bool) for side in sides):
        return f"needs {', '.join(_SIDES)} as numbers"
    x_min, y_min, x_max, y_max = (float(side) for side in sides if side is not None)
    if not (0 <= x_min < x_max <= 1 and 0 <= y_min < y_max <= 1):
        return f"is not inside its image: ({x_min:g}, {y_min:g}) to ({x_max:g}, {y_max:g}) of 1 by 1"
    return ""
