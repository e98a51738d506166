"""`signalbox model validate`: what a promotion would refuse is said before anything is registered."""

import json
import os
import shutil
import signal
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from activities.bundle_check import check_bundle
from signalbox.emulators.azure_ml import process
from signalbox.emulators.azure_ml.online import worker
from signalbox.models import validation
from signalbox.models.validation import GoldenRows, NotJudged, validate_folder, write_golden_requests
from signalbox.product import app_folder, example_folder
from tests.trained import trained_models

pytestmark = pytest.mark.xdist_group("projects")  # Each worker would start a server of scoring processes.

CONFIGURATION = example_folder() / "signalbox.yaml"
MODEL = "diabetes-progression:7"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_models(tmp_path_factory) / "ward"


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    for part in ("model", "extras"):
        shutil.copytree(trained / part, tmp_path / "build" / part)
    return tmp_path / "build"


@pytest.fixture
def judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app's code runs in this process; the tests without this fixture see it run in processes of its own."""

    in_process = validation._ask

    def judge(app: Path, program: str, *arguments: Any) -> Any:
        if program != "bundle_check":  # It takes a fifth of a second.
            return in_process(app, program, *arguments)
        configuration, name, folder, *answers = arguments
        return check_bundle(configuration, name, folder, json.loads(answers[0].read_text()) if answers else None)

    monkeypatch.setattr(validation, "_ask", judge)


def unmet(folder: Path, name: str = MODEL) -> tuple[str, ...]:
    return validate_folder(app_folder(), CONFIGURATION, name, folder).unmet


def test_a_whole_folder_is_ready_and_its_golden_requests_were_answered(folder: Path) -> None:
    judgement = validate_folder(app_folder(), CONFIGURATION, MODEL, folder)

    assert judgement.unmet == ()
    assert (judgement.kind, judgement.answered, judgement.files) == ("custom_model", 10, 8)
    assert judgement.digest.startswith("sha256:")


@pytest.mark.usefixtures("judged_here")
def test_golden_requests_are_made_of_rows_by_asking_the_folder(folder: Path, tmp_path: Path) -> None:
    before = folder / "extras" / "golden" / "requests.jsonl"
    columns = json.loads(before.read_text().splitlines()[0])["request"]["input_data"]["columns"]
    header, row = ",".join(["y", *columns]), ",".join(["1", *("0.5" for _ in columns)])
    (tmp_path / "rows.csv").write_text("\n".join([header, *[row] * 5]))
    rows = GoldenRows(file=tmp_path / "rows.csv", count=4, each=2, left_out=("y",))

    with pytest.raises(NotJudged, match="give --force to replace it"):
        write_golden_requests(app_folder(), CONFIGURATION, MODEL, folder, rows)
    written = write_golden_requests(app_folder(), CONFIGURATION, MODEL, folder, replace(rows, replace=True))
    pairs = [json.loads(line) for line in written.read_text().splitlines()]

    assert [len(pair["request"]["input_data"]["data"]) for pair in pairs] == [2, 2]
    assert pairs[0]["request"]["input_data"]["columns"] == columns
    assert unmet(folder) == ()  # The product reads what was written, and the model answers it alike.
    with pytest.raises(NotJudged, match="has no column z; it has y"):
        write_golden_requests(app_folder(), CONFIGURATION, MODEL, folder, replace(rows, replace=True, left_out=("z",)))


@pytest.mark.usefixtures("judged_here")
def test_everything_that_is_missing_is_named_at_once(folder: Path) -> None:
    shutil.rmtree(folder / "extras" / "golden")
    (folder / "extras" / "code" / "online.py").unlink()
    (folder / "extras" / "environment" / "conda.yaml").write_text("name: x\n")

    sentences = " | ".join(unmet(folder))

    assert "lacks golden requests (golden/requests.jsonl)" in sentences
    assert "extras/code/online.py is not there; add it, or correct ladder.preprod.serve.online_script" in sentences
    assert "extras/environment/conda.yaml has no list of dependencies" in sentences


@pytest.mark.usefixtures("judged_here")
def test_a_script_that_fails_and_one_that_answers_otherwise_are_told_apart(folder: Path) -> None:
    script, golden = folder / "extras" / "code" / "online.py", folder / "extras" / "golden" / "requests.jsonl"
    text = script.read_text()
    script.write_text(text.replace("model.predict(", "model.predikt("))
    os.utime(script, (1, 1))
    failing = unmet(folder)
    script.write_text(text)
    os.utime(script, (1, 1))  # Mended within a second, to the same size: Python would take it for unchanged.
    lines = [json.loads(line) for line in golden.read_text().splitlines()]
    lines[0]["response"][0] += 1
    golden.write_text("".join(json.dumps(line) + "\n" for line in lines))
    deviating = unmet(folder)

    assert not [*folder.rglob("__pycache__")]
    assert len(failing) == len(deviating) == 1
    assert "fails at 10 golden requests" in failing[0]
    assert "extras/code/online.py:" in failing[0]
    assert "predikt" in failing[0]
    assert deviating[0].startswith("1 of 10 golden requests is answered otherwise, by up to 1;")


@pytest.mark.usefixtures("judged_here")
def test_a_script_that_is_no_python_and_one_that_does_not_start_are_named(folder: Path) -> None:
    code = folder / "extras" / "code"
    (code / "score.py").write_text("def run(:\n")
    (code / "online.py").write_text("import nowhere\n\ndef run(data):\n    return data\n")

    sentences = " | ".join(unmet(folder))

    assert "extras/code/score.py is no Python: " in sentences
    assert "the online script does not start: " in sentences
    assert "extras/code/online.py:1: ModuleNotFoundError: No module named 'nowhere'; correct it" in sentences


@pytest.mark.usefixtures("judged_here")
def test_an_answer_that_is_no_json_is_told_with_the_script_and_what_to_return(folder: Path) -> None:
    (folder / "extras" / "code" / "online.py").write_text("def run(data):\n    return {1}\n")

    (sentence,) = unmet(folder)

    assert (
        "10 golden requests: extras/code/online.py: TypeError: Object of type set is not JSON serializable" in sentence
    )
    assert sentence.endswith("; let `run` return lists, dicts, texts and numbers; `.tolist()` makes a list of an array")


def test_answers_of_another_form_are_one_sentence_with_the_first_of_them(folder: Path) -> None:
    answers = [{"status": 200, "body": "null"}] * 10

    (sentence,) = check_bundle(CONFIGURATION, MODEL, folder, {"online": answers, "batch": None})["unmet"]

    assert sentence.startswith("extras/code/online.py answers 10 golden requests in another form: request 0 ")
    assert "was answered 200: null instead of " in sentence
    assert sentence.endswith("; correct it, or record the answers anew")


@pytest.mark.usefixtures("judged_here")
def test_one_fault_of_a_script_is_one_sentence_with_its_line(folder: Path) -> None:
    (folder / "extras" / "code" / "online.py").write_text("import json\n\nde run(data):\n    return data\n")

    assert unmet(folder) == ("extras/code/online.py is no Python: line 3: invalid syntax; correct it",)


@pytest.mark.usefixtures("judged_here")
def test_a_model_that_the_configuration_does_not_know_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "extras" / "golden")  # Nothing needs to be answered.

    sentences = unmet(folder, "x:1")

    assert any("has no `promotion` section in the configuration; those that have: diabetes" in s for s in sentences)


def test_a_folder_without_a_model_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotJudged, match="has no model/ and no extras/, so no model is in it: train one"):
        unmet(tmp_path)


def test_an_inexact_model_is_not_judged(folder: Path) -> None:
    with pytest.raises(NotJudged, match="is not exact"):
        unmet(folder, "diabetes-progression:latest")


@pytest.mark.usefixtures("judged_here")
@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("    raise KeyError('bmi')", "10 rows of the golden requests: extras/code/score.py:{line}: KeyError: 'bmi'; "),
        (
            "    return {'id': 1}",
            "TypeError: run() returned dict; return a pandas DataFrame, or a list, with one element",
        ),
        (
            "    return ['1 2', '3 4']",
            "score.py returns 2 rows for the 10 rows of the golden requests; let `run` return",
        ),
        ("    exit(3)", "10 rows of the golden requests: its process ended: "),
    ],
)
def test_a_batch_script_that_does_not_answer_each_row_is_told(folder: Path, ending: str, told: str) -> None:
    script = folder / "extras" / "code" / "score.py"
    text = f"{script.read_text()}\n\ndef run(mini_batch):\n{ending}\n"
    script.write_text(text)

    (sentence,) = unmet(folder)

    assert told.format(line=len(text.splitlines())) in sentence


@pytest.mark.usefixtures("judged_here")
def test_a_sample_that_travels_with_the_model_is_scored_instead(folder: Path) -> None:
    columns = json.loads((folder / "extras" / "golden" / "requests.jsonl").read_text().splitlines()[0])
    names = ["id", *columns["request"]["input_data"]["columns"]]
    row = ["1", *(str(value) for value in columns["request"]["input_data"]["data"][0])]
    (folder / "extras" / "golden" / "rows.csv").write_text(f"{','.join(names)}\n{','.join(row)}\n")

    judgement = validate_folder(app_folder(), CONFIGURATION, MODEL, folder)

    assert (judgement.unmet, judgement.scored) == ((), 1)


def test_requests_of_another_form_need_a_sample(folder: Path) -> None:
    golden = folder / "extras" / "golden" / "requests.jsonl"
    golden.write_text(json.dumps({"request": {"text": "a"}, "response": [1]}) + "\n")

    (sentence,) = check_bundle(CONFIGURATION, MODEL, folder, None)["unmet"]

    assert sentence.startswith(
        "the batch script cannot be tried: no file can be made of the golden requests: request 1 "
    )
    assert sentence.endswith("; add extras/golden/rows.csv, a few rows as they arrive")


async def test_a_server_of_forks_that_hangs_is_left_and_another_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waited for it would wait for ever: at first for the fork, and then for its thread."""
    script = tmp_path / "online.py"
    script.write_text("def run(data):\n    return data\n")
    lines = process.LineProcess(worker.main, [script], {}, tmp_path / "log.txt")
    process.prepare()
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    os.kill(server, signal.SIGSTOP)
    monkeypatch.setattr(process, "_FORK_S", 1)

    with pytest.raises(process.NotStarted, match="no process was forked in 1 s"):
        await lines.start()
    monkeypatch.undo()
    answer = await lines.ask({"data": "5"})
    await lines.end()

    assert answer == {"ok": True, "body": '"5"'}
    assert forkserver._forkserver._forkserver_pid != server  # type: ignore[attr-defined]
