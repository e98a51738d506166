"""The rules of the house that no linter knows."""

import json
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from activities.blueprint import BODIES, STARTING_BODIES
from orchestrators.blueprint import BODIES as ORCHESTRATIONS
from shared import contracts, settings
from shared.durable import failures as crossing
from shared.durable.deferred import load
from tests.architecture import allowances
from tests.architecture.measures import APP, Source, modules_in_cycles

pytestmark = pytest.mark.xdist_group("house")  # One worker parses the source, once.
PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("activity", contracts.ACTIVITIES, ids=lambda activity: activity.name)
def test_every_write_carries_its_idempotency_key(activity):
    if activity.effect is contracts.Effect.WRITES:
        assert "key" in {field.name for field in fields(activity.takes)}


def test_no_contract_has_the_field_by_which_a_refusal_is_known():
    """No input and no output of activities and orchestrations: a value with such a key is read as a failure."""
    crossing_types = {each for each in vars(contracts).values() if isinstance(each, type) and is_dataclass(each)}
    crossing_types |= {each.gives for each in contracts.ACTIVITIES} | {each.takes for each in contracts.ACTIVITIES}
    known_keys = {crossing.REFUSED, crossing.CALLED_OFF, crossing.PUT_OFF}

    assert len(crossing_types) > 100
    assert {each.__name__ for each in crossing_types if known_keys & {field.name for field in fields(each)}} == set()


@pytest.mark.parametrize("entry", [*BODIES, *STARTING_BODIES], ids=lambda entry: entry.__name__)
def test_every_activity_has_a_body_of_its_name_and_types(entry):
    body = load(entry)
    activity = getattr(contracts, entry.__name__.upper())
    hints = get_type_hints(body)
    *_, taken = (hint for each, hint in hints.items() if each != "return")

    assert (activity.name, taken, hints["return"]) == (body.__name__, activity.takes, activity.gives)


@pytest.mark.parametrize("entry", ORCHESTRATIONS, ids=lambda entry: entry.__name__)
def test_every_orchestration_has_a_body_of_its_name_and_type(entry):
    body = load(entry)
    orchestration = getattr(contracts, entry.__name__.upper())

    assert (orchestration.name, orchestration.takes) == (body.__name__, [*get_type_hints(body).values()][1])


def test_nothing_is_without_a_body():
    orchestrations = {value.name for value in vars(contracts).values() if isinstance(value, contracts.Orchestration)}

    assert names(*BODIES, *STARTING_BODIES) == sorted(activity.name for activity in contracts.ACTIVITIES)
    assert names(*ORCHESTRATIONS) == sorted(orchestrations)


def names(*entries):
    return sorted(entry.__name__ for entry in entries)


def test_the_sample_lists_every_setting_the_app_reads_and_no_other():
    sample = json.loads((PROJECT / "local.settings.sample.json").read_text())["Values"]
    of_the_platform = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"}

    assert set(sample) - of_the_platform == set(settings.DEFAULTS)


def test_all_missing_settings_are_named_at_once():
    with pytest.raises(settings.SettingsError) as refused:
        settings.read_settings({"AZURE_ML_AUDIENCE": "http://plain", "SIGNALBOX_CONFIG": "nowhere.yaml"})

    said = str(refused.value).splitlines()
    assert [line.split()[0] for line in said] == [
        "DATA_HUB__blobServiceUri",
        "EVENT_GRID_TOPIC__topicEndpointUri",
        "AZURE_ML_AUDIENCE",
        "SIGNALBOX_CONFIG",
    ]


@pytest.fixture(scope="module")
def source() -> Source:
    return Source.of(PROJECT)


def test_functions_are_small_and_files_are_one_idea(source: Source) -> None:
    """The tail is bounded, not the middle: an idea is not carved into pieces to meet a number."""
    functions = source.functions()

    assert {path: lines for path, lines in source.lines().items() if lines > 450} == {}
    assert functions[-1].lines <= 50, functions[-6:]
    assert functions[int(len(functions) * 0.9)].lines <= 20


def test_a_folder_has_at_most_15_modules(source: Source) -> None:
    full = {folder: count for folder, count in source.modules_by_folder().items() if count > 15}

    assert full == allowances.FULL_FOLDERS, (
        "rooms are for newcomers: divide the folder; and shorten the list, never grow it"
    )


def test_a_small_file_says_in_its_docstring_why_it_stands_alone(source: Source) -> None:
    assert set(source.small_files(30)) == allowances.SMALL_FILES, "join it to what uses it, or say why it stands alone"


def test_a_public_class_name_has_one_meaning_in_the_app(source: Source) -> None:
    meanings = {name: len(modules) for name, modules in source.within(*APP).ambiguous_classes().items()}

    assert meanings == allowances.AMBIGUOUS_CLASSES, "a second meaning needs a name of its own"


def test_no_module_imports_itself_through_others() -> None:
    assert set(modules_in_cycles(PROJECT)) == allowances.CYCLES, "move what both need to a third module"


def test_triggers_start_nothing_themselves(source: Source) -> None:
    """What starts something is a use case of `shared.application`, so that every way to it starts the same."""
    starters = [path for path, text in source.within("triggers").texts.items() if "start_once" in text]

    assert starters == []


def test_prose_names_its_subject(source: Source) -> None:
    """Readers of every mother tongue stumble over these words; docs/contributing.md says what to write."""
    texts = source.texts | {
        page.relative_to(PROJECT).as_posix(): page.read_text() for page in PROJECT.glob("docs/**/*.md")
    }
    riddles = re.compile(r"\b(whoever|that which)\b", re.IGNORECASE)

    assert [path for path, text in texts.items() if riddles.search(text)] == []


def test_importing_the_app_imports_no_heavy_vendor():
    program = (
        "import sys, function_app; function_app.app.get_functions();"
        "heavy = ('azure.ai', 'azure.storage', 'azure.identity', 'azure.eventgrid', 'azure.servicebus',"
        " 'azure.keyvault', 'numpy', 'scipy', 'pyarrow', 'pydantic', 'yaml', 'signalbox');"
        "print(sorted({m for m in sys.modules if m.startswith(heavy)}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_command_imports_no_server_and_no_client_of_azure():
    """Every call of `signalbox` would wait for them: the emulators' servers cost more than all the rest."""
    program = (
        "import sys, signalbox.cli.main;"
        "heavy = ('azure', 'aiohttp', 'bokeh', 'joserfc', 'numpy', 'rich', 'shared', 'yaml');"
        "print(sorted({m for m in sys.modules if m.startswith(heavy)}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_lock_file_names_no_registry():
    assert "resolved" not in (PROJECT / "package-lock.json").read_text()
