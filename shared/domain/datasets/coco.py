"""Annotations of images, checked for sense: every box lies inside its image and has a known class.

COCO's format: https://cocodataset.org/#format-data (object detection); a box is x, y, width and height in pixels.
JSON Lines are those of `shared.domain.retraining.boxes`.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.datasets.contents import BoxFacts, missing_images
from shared.domain.retraining.boxes import IMAGE, read_boxes

_SHOWN = 10
_ROUNDING = 1e-6  # Of a pixel: sides are often computed from fractions of the image.

Sizes = dict[Any, tuple[float, float, str]]


@dataclass(slots=True)
class _Faults:
    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, fault: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(fault[:300])


def read_coco(document: Any, labels: Collection[str], paths: Collection[str]) -> BoxFacts:
    """What *document* holds, and its faults; only *labels* are allowed, any where there are none.

    *paths* are the files of the folder: where images lie there, none may be missing.
    """
    faults = _Faults()
    if not isinstance(document, dict):
        return BoxFacts(problems=("it is no JSON object with images, annotations and categories",), wrong=1)
    for part in ("images", "annotations", "categories"):
        if not isinstance(document.get(part), list):
            faults.add(f"{part} is not a list")
    if faults.count:
        return BoxFacts(problems=tuple(faults.first), wrong=faults.count)
    images = _images(document["images"], faults)
    classes = _classes(document["categories"], labels, faults)
    boxes = Counter(_labels_of_boxes(document["annotations"], images, classes, faults))
    return _facts([name for _, _, name in images.values()], boxes, faults, paths)


def read_box_lines(lines: Iterable[str], labels: Collection[str], paths: Collection[str]) -> BoxFacts:
    """`read_coco` for JSON Lines, an image with its boxes each."""
    faults, boxes, names = _Faults(), Counter[str](), dict[str, None]()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            image = read_boxes(line, labels)
        except (ValueError, RecursionError) as error:
            faults.add(f"line {number}: {error}")
            continue
        if image[IMAGE] in names:
            faults.add(f"line {number}: {image[IMAGE]} is there twice")
        names[image[IMAGE]] = None
        boxes.update(box["label"] for box in image["label"])
    return _facts(list(names), boxes, faults, paths)


def _facts(names: list[str], boxes: Counter[str], faults: _Faults, paths: Collection[str]) -> BoxFacts:
    if not names and not faults.count:
        faults.add("it has no images")
    missing = missing_images(names, paths)
    if missing:
        faults.add(f"{len(missing)} of {len(names)} images are not in the folder: {', '.join(missing[:5])}")
    return BoxFacts(
        images=len(names), labels=dict(sorted(boxes.items())), problems=tuple(faults.first), wrong=faults.count
    )


def _images(entries: list[Any], faults: _Faults) -> Sizes:
    images, names = Sizes(), set[str]()
    for number, entry in enumerate(entries):
        image = entry if isinstance(entry, dict) else {}
        name, width, height = image.get("file_name"), _side(image.get("width")), _side(image.get("height"))
        if not _is_id(image.get("id")) or not isinstance(name, str) or not name:
            faults.add(f"image {number} needs an id and a file_name")
        elif not (width and height):
            faults.add(f"image {number} ({name}) needs a width and a height above 0")
        elif image["id"] in images or name in names:
            faults.add(f"image {number} ({name}) is there twice")
        else:
            images[image["id"]] = (width, height, name)
            names.add(name)
    return images


def _classes(entries: list[Any], labels: Collection[str], faults: _Faults) -> dict[Any, str]:
    classes = dict[Any, str]()
    for number, entry in enumerate(entries):
        category = entry if isinstance(entry, dict) else {}
        name = category.get("name")
        if not _is_id(category.get("id")) or not isinstance(name, str) or not name:
            faults.add(f"category {number} needs an id and a name")
        elif category["id"] in classes or name in classes.values():
            faults.add(f"category {number} ({name}) is there twice")
        else:
            if labels and name not in labels:
                faults.add(f"category {name!r} is not known; known are {', '.join(sorted(labels))}")
            classes[category["id"]] = name
    return classes


def _labels_of_boxes(entries: list[Any], images: Sizes, classes: dict[Any, str], faults: _Faults) -> Iterator[str]:
    """The class of each box that makes sense."""
    for number, entry in enumerate(entries):
        annotation = entry if isinstance(entry, dict) else {}
        fault = _fault(annotation, images, classes)
        if fault:
            faults.add(f"annotation {number} {fault}")
        else:
            yield classes[annotation["category_id"]]


def _fault(annotation: Mapping[str, Any], images: Sizes, classes: dict[Any, str]) -> str:
    image, category = annotation.get("image_id"), annotation.get("category_id")
    if not _is_id(image) or image not in images:
        return f"has image_id {image!r}, which no image has"
    if not _is_id(category) or category not in classes:
        return f"has category_id {category!r}, which no category has"
    sides = annotation.get("bbox")
    if not isinstance(sides, list) or len(sides) != 4 or not all(map(_is_number, sides)):
        return "needs bbox: x, y, width and height as numbers"
    left, top, width, height = map(float, sides)
    image_width, image_height, name = images[image]
    inside = left >= -_ROUNDING and top >= -_ROUNDING
    inside = inside and left + width <= image_width + _ROUNDING and top + height <= image_height + _ROUNDING
    if width > 0 and height > 0 and inside:
        return ""
    box = ", ".join(f"{side:g}" for side in (left, top, width, height))
    return f"is not inside its image: ({box}) in {name} of {image_width:g} by {image_height:g}"


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)


def _side(value: Any) -> float:
    """The length of an image's side; 0 where it is none."""
    return max(0.0, float(value)) if _is_number(value) else 0.0
