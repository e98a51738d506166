"""JSON Schemas in words: what a value may be, in one cell of a table."""

from collections.abc import Mapping
from typing import Any

from website.reference.markdown import code

Schema = Mapping[str, Any]


def properties_of(schema: Schema) -> dict[str, Schema]:
    """The properties of an object's schema by their names."""
    return dict(schema.get("properties", {}))


def kind_of(schema: Schema) -> str:
    """What a value may be: a type, a list of words, or a link to the section that describes it."""
    if "$ref" in schema:
        name = title_of(schema["$ref"].rpartition("/")[2])
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(kind_of(branch) for branch in schema[several] if not _is_null(branch)))
    if "enum" in schema:
        return ", ".join(code(str(value)) for value in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    return _of_type(schema)


def title_of(name: str) -> str:
    """What a schema called *name* is called on a page; that it is a section of a file is no news there."""
    return name.removesuffix("Section")


def limits_of(schema: Schema) -> str:
    """What the value must keep to, and its default."""
    branches = [branch for several in ("anyOf", "oneOf") for branch in schema.get(several, ())]
    words = list(dict.fromkeys(filter(None, map(limits_of, branches))))
    words += [f"{limit.lower()} {schema[key]}" for key, limit in _LIMITS.items() if key in schema]
    if "pattern" in schema and "description" not in schema:
        pattern = schema["pattern"]
        words.append(_PATTERNS.get(pattern) or f"matches {code(pattern)}")
    if schema.get("default") is not None:
        words.append(f"default {code(str(schema['default']))}")
    return "; ".join(words)


def may_be_null(schema: Schema) -> bool:
    """Whether nothing may stand there."""
    types = schema.get("type", ())
    return "null" in types or any(_is_null(branch) for branch in schema.get("anyOf", ()))


_PATTERNS = {
    r"^\d+\s*[smhd]$": "with s, m, h or d, such as 2h",
    r"^(?:[^\x00-\x1f\x7f]*)$": "without control characters",
}
_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "minItems": "items at least",
    "maxItems": "items at most",
}


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null"


def _of_type(schema: Schema) -> str:
    types = schema.get("type", "any value")
    names = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    words = []
    for name in names:
        if name == "array":
            words.append(f"list of {kind_of(schema.get('items', {}))}")
        elif name == "object" and isinstance(schema.get("additionalProperties"), Mapping):
            words.append(f"mapping of names to {kind_of(schema['additionalProperties'])}")
        elif name == "object" and "properties" in schema:
            words.append("mapping: " + ", ".join(map(code, schema["properties"])))
        else:
            words.append({"object": "mapping", "string": "text", "integer": "whole number"}.get(name, name))
    return " or ".join(words)
