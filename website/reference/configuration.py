"""Every section and field of `signalbox.yaml`, from its JSON Schema."""

import json
from pathlib import Path

from website.reference.markdown import code, table
from website.reference.schemas import Schema, kind_of, limits_of, properties_of, title_of

_INTRODUCTION = """\
# Every field of signalbox.yaml

Generated from `signalbox.schema.json`, which editors read too. [Configuration](../configuration.md) explains what the
sections mean, with an example. A field that is not required may be left out.
"""


def page(project: Path) -> str:
    """The page: the file, then each section in the order of the alphabet."""
    schema = json.loads((project / "signalbox.schema.json").read_text(encoding="utf-8"))
    sections = [_section("The file", schema)]
    sections += [_section(title_of(name), section) for name, section in sorted(schema["$defs"].items())]
    return "\n".join([_INTRODUCTION, *sections])


def _section(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = [
        (
            code(field) + (" (required)" if field in required else ""),
            kind_of(value),
            "; ".join(filter(None, [_description(value), limits_of(value)])),
        )
        for field, value in properties_of(schema).items()
    ]
    rows += [(code(pattern), kind_of(value), "") for pattern, value in schema.get("patternProperties", {}).items()]
    body = table(("field", "value", "limits"), rows) if rows else f"{kind_of(schema)}\n"
    return f"## {name}\n\n{schema.get('description', '')}\n\n{body}"


def _description(schema: Schema) -> str:
    return str(schema.get("description", ""))
