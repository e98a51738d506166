"""The generated pages have everything that the product has; `make check` builds the whole site."""

import json
import re
from pathlib import Path

import click
import pytest

from shared.telemetry.names import COUNTS, LEVELS, SECONDS
from signalbox.cli.main import main
from website.reference import commands, configuration, errors, events, http_api, metrics
from website.reference.schemas import kind_of, limits_of

PROJECT = Path(__file__).parents[2]


def test_every_command_has_a_section_with_all_its_options() -> None:
    page = commands.page(PROJECT)
    known = dict(commands.commands_below("signalbox", main))

    assert len(known) > 60
    for path, command in known.items():
        assert re.search(rf"^#+ {re.escape(path)}$", page, re.MULTILINE), path
        section = page.partition(f"# {path}\n")[2].partition("\n## ")[0]
        options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
        assert [option.opts[0] for option in options if option.opts[0] not in section] == [], path


def test_every_field_of_the_configuration_is_there() -> None:
    page, schema = configuration.page(PROJECT), json.loads((PROJECT / "signalbox.schema.json").read_text())
    sections = [schema, *schema["$defs"].values()]

    fields = {field for section in sections for field in section.get("properties", {})}
    assert len(fields) > 150
    assert [field for field in sorted(fields) if f"`{field}`" not in page] == []
    links, headings = set(re.findall(r"\]\(#([a-z]+)\)", page)), re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert links <= {heading.lower() for heading in headings}


def test_every_route_is_there_with_its_permission() -> None:
    page, document = http_api.page(PROJECT), json.loads((PROJECT / "docs" / "openapi.json").read_text())
    routes = [(path, method) for path, methods in document["paths"].items() for method in methods]

    assert len(routes) > 60
    assert [row for row in routes if f"### {row[1].upper()} {row[0].removeprefix('/api/v1/')}\n" not in page] == []
    assert "Needs the permission `retrain`." in page


def test_every_metric_and_event_is_there() -> None:
    assert [name for name in {**SECONDS, **COUNTS, **LEVELS} if f"`{name}`" not in metrics.page(PROJECT)] == []
    assert {"Signalbox.Inference.Completed", "Signalbox.Promotion.Held", "Signalbox.Rollback.Done"} <= set(
        events.announced(PROJECT)
    )


def test_an_event_that_nobody_has_explained_is_refused(tmp_path: Path) -> None:
    (tmp_path / "activities").mkdir()
    (tmp_path / "activities" / "new.py").write_text('announce("Signalbox.Moon.Risen", f"Signalbox.Tide.{height}")')

    with pytest.raises(LookupError, match=r"Signalbox\.Moon\.Risen"):
        events.page(tmp_path)


def test_errors_have_their_remedies_and_the_exit_codes_their_messages() -> None:
    page = errors.page(PROJECT)

    assert "| 415 | wrong content type | Content-Type is ...; send application/json |" in page
    assert [code for code in (2, 4, 5, 6, 7, 8) if f"### Exit code {code}\n" not in page] == []
    assert page.count("\n| ") > 300


def test_a_schema_is_told_in_words() -> None:
    duration = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^.$"}, {"type": "null"}]}

    assert (kind_of(duration), limits_of(duration)) == ("whole number or text", "at least 1; matches `^.$`")
    assert kind_of({"type": ["array", "null"], "items": {"enum": ["a", "b"]}}) == "list of `a`, `b`"
    assert kind_of({"$ref": "#/$defs/RouteSection"}) == "[Route](#route)"
    assert limits_of({"type": "string", "default": "each"}) == "default `each`"
