"""JSON Schema (draft 2020-12) of the dataclasses that requests and files are read into, and answers are made of."""

from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from shared.validation import adapter


class _Schemas(GenerateJsonSchema):
    """pydantic's schemas without the titles that repeat names. What is read takes no unknown field; what is written
    has all of its fields, those with a default included."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)

    def default_schema(self, schema: Any) -> dict[str, Any]:
        """An empty default means that the field is left out; as a value it need not be one that may be sent."""
        own_schema = super().default_schema(schema)
        return own_schema if own_schema.get("default") else {k: v for k, v in own_schema.items() if k != "default"}

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        own_schema = super().dataclass_schema(schema)
        own_schema.pop("title", None)
        # What earlier releases did not have is left out while it has its default (`shared.domain.newer`).
        newer = {field.name for field in fields(schema["cls"]) if field.metadata.get("newer")}
        if newer & set(own_schema.get("required", ())):
            own_schema["required"] = [name for name in own_schema["required"] if name not in newer]
        if "description" in own_schema:
            own_schema["description"] = " ".join(own_schema["description"].split())
        return own_schema | {"additionalProperties": self.mode == "serialization"}


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON Schema of what *kind* is read from, with the types inside it under `$defs`."""
    return _whole(adapter(kind).json_schema(schema_generator=_Schemas))


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    definitions, enumerations = _parted(schema.pop("$defs", {}), "#/$defs/{model}")
    whole: dict[str, Any] = _inlined(schema | ({"$defs": definitions} if definitions else {}), enumerations)
    return whole


class _OfFiles(_Schemas):
    """As files are read: a field that may be left out may be there without a value. A section with a name of the user's
    may be empty where it has no field that is required."""

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        """Without null, which the field that holds the value takes already."""
        return self.generate_inner(schema["schema"])

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        own_schema = super().dataclass_schema(schema)
        required_fields = own_schema.get("required", ())
        parts = own_schema["properties"].items()
        own_schema["properties"] = {name: part if name in required_fields else _or_empty(part) for name, part in parts}
        return own_schema

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        own_schema = super().dict_schema(schema)
        values = own_schema.get("additionalProperties")
        if isinstance(values, dict):
            section = self.resolve_ref_schema(values)
            if section.get("type") == "object" and not section.get("required"):
                own_schema["additionalProperties"] = _or_empty(values)
        return own_schema


def _or_empty(schema: dict[str, Any]) -> dict[str, Any]:
    """*schema*, or nothing after the colon, which YAML reads as null."""
    kind = schema.get("type")
    if kind is not None and "enum" not in schema:
        return schema | {"type": [*([kind] if isinstance(kind, str) else kind), "null"]}
    around = {name: part for name, part in schema.items() if name in ("default", "description")}
    inner = {name: part for name, part in schema.items() if name not in around}
    return {"anyOf": [*inner.get("anyOf", [inner]), {"type": "null"}], **around}


def file_schema(title: str, kind: Any) -> dict[str, Any]:
    """The JSON Schema of a file with the content *kind*, with its own `$schema` and *title*."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return dialect | _whole(adapter(kind).json_schema(schema_generator=_OfFiles))


class NamedSchemas:
    """Schemas of many types that refer to each other by name, as an OpenAPI document holds them."""

    def __init__(self, read: set[Any], written_kinds: set[Any]) -> None:
        """Of the types that are *read* from requests, and of those that are *written_kinds* into answers."""
        kinds: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
            *((kind, "validation", adapter(kind)) for kind in read),
            *((kind, "serialization", adapter(kind)) for kind in written_kinds),
        ]
        template = "#/components/schemas/{model}"
        # All types in one call: pydantic then gives two types of one name different names, and a shared type one
        # schema.
        schemas, definitions = TypeAdapter.json_schemas(kinds, ref_template=template, schema_generator=_Schemas)
        named, enumerations = _parted(definitions.get("$defs", {}), template)
        self.named: dict[str, Any] = _inlined(named, enumerations)
        self._schemas = _inlined(dict(schemas), enumerations)

    def of(self, kind: Any, mode: JsonSchemaMode = "serialization") -> dict[str, Any]:
        """The schema of *kind*: for a dataclass a reference to the one that is named."""
        schema: dict[str, Any] = self._schemas[kind, mode]
        return schema


def _parted(definitions: dict[str, Any], template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The objects by name, and everything else, which are enumerations, by reference.

    Enumerations are short and many are called alike, so each is written where it is used.
    """
    objects = {name: schema for name, schema in definitions.items() if schema.get("type") == "object"}
    enumerations = {
        name: {key: part for key, part in definitions[name].items() if key != "title"}
        for name in definitions
        if name not in objects
    }
    return objects, {template.format(model=name): schema for name, schema in enumerations.items()}


def _inlined(schema: Any, enumerations: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, enumerations) for part in schema]
    if not isinstance(schema, dict):
        return schema
    enumeration = enumerations.get(schema.get("$ref", ""))
    if enumeration is not None:
        return enumeration | {name: part for name, part in schema.items() if name != "$ref"}
    return {name: _inlined(part, enumerations) for name, part in schema.items()}
