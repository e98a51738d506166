"""Judge a model's folder as a promotion will: by the app's own code, with the scripts for requests and for files really
started."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalbox.counting import counted
from signalbox.emulators.azure_ml.batch import generated_script
from signalbox.emulators.azure_ml.batch import worker as batch_worker
from signalbox.emulators.azure_ml.online import worker
from signalbox.emulators.azure_ml.process import Ended, LineProcess, NotStarted
from signalbox.models.assets import CODE, EXTRAS, MLFLOW, MODEL

GOLDEN = "golden/requests.jsonl"
_LONGEST_S = 300  # For a start, an answer or a mini-batch: a script that hangs is told, and not waited for.
Tell = Callable[[str], None]


def _untold(_: str) -> None:
    """Nobody looks."""


class NotJudged(ValueError):
    """Nothing could be tried: the name or the configuration cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """*unmet*: what a promotion would refuse, a sentence each; *answered*: golden requests that were really asked, and
    *scored*: rows that the batch script was really given."""

    unmet: tuple[str, ...]
    kind: str
    digest: str
    files: int
    answered: int
    scored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRows:
    """The first *count* rows of the CSV *file*, *each* in a request, without the columns that are *left_out*."""

    file: Path
    count: int
    each: int
    left_out: tuple[str, ...] = ()
    replace: bool = False


def validate_folder(app: Path, configuration: Path, name: str, folder: Path, tell: Tell = _untold) -> Validation:
    """Judge *folder* as `name:version` *name*; *tell* hears what is begun. Raises NotJudged."""
    if not any((folder / part).is_dir() for part in (MODEL, EXTRAS)):
        raise NotJudged(
            f"{folder} has no {MODEL}/ and no {EXTRAS}/, so no model is in it: train one, or name its folder"
        )
    report = _ask(app, "bundle_check", configuration, name, folder)
    unmet, outcomes = tuple(report["unmet"]), dict[str, Any](online=None, batch=None)
    is_mlflow = report["kind"] == MLFLOW
    online, batch = _script(report, "online_script", folder), _script(report, "batch_script", folder)
    with tempfile.TemporaryDirectory() as place:
        if report["golden"] and (is_mlflow or _startable(online, unmet)):
            tell(f"asking {_subject(is_mlflow, online)} {counted(len(report['golden']), 'golden request')}")
            try:
                outcomes["online"] = asyncio.run(_answers(report, online, folder, Path(place) / "online.log"))
            except NotStarted as error:
                unmet += (f"the online script does not start: {error}; correct it",)
        if report["sample"] and (is_mlflow or _startable(batch, unmet)):
            tell(f"scoring {counted(report['sample']['rows'], 'row')} with {_subject(is_mlflow, batch)}")
            outcomes["batch"] = asyncio.run(_scored(report, batch, folder, Path(place)))
        if any(outcome is not None for outcome in outcomes.values()):
            file = Path(place) / "answers.json"
            file.write_text(json.dumps(outcomes))
            judged = _ask(app, "bundle_check", configuration, name, folder, file)["unmet"]
            unmet = tuple(dict.fromkeys([*judged, *unmet]))
    return Validation(
        unmet=unmet,
        kind=report["kind"],
        digest=report["digest"],
        files=report["files"],
        answered=len(outcomes["online"] or ()),
        scored=report["sample"]["rows"] if outcomes["batch"] else 0,
    )


def _subject(is_mlflow: bool, script: Path | None) -> str:
    return "the MLflow model" if is_mlflow or script is None else _named(script)


def write_golden_requests(app: Path, configuration: Path, name: str, folder: Path, rows: GoldenRows) -> Path:
    """Ask the online script of *folder* about *rows*, and keep requests and answers as its golden requests.

    Returns their file, which must not be there unless it may be replaced. Raises NotJudged.
    """
    target = folder / EXTRAS / GOLDEN
    if target.exists() and not rows.replace:
        raise NotJudged(f"{target} is there already; give --force to replace it")
    report = _ask(app, "bundle_check", configuration, name, folder)
    script = _script(report, "online_script", folder)
    if report["kind"] != MLFLOW and (script is None or not script.is_file()):
        raise NotJudged(f"{folder} has no online script {script or ''}, which could answer; `model validate` says more")
    requests = _ask(app, "golden_rows", rows.file, rows.count, rows.each, *rows.left_out)
    with tempfile.TemporaryDirectory() as place:
        try:
            answers = asyncio.run(_answers(report | {"golden": requests}, script, folder, Path(place) / "script.log"))
        except NotStarted as error:
            raise NotJudged(f"the online script does not start: {error}") from error
    if failure := next((answer["body"] for answer in answers if answer["status"] != 200), ""):
        raise NotJudged(f"the online script fails at a request: {failure[:300]}; nothing was written")
    pairs = zip(requests, (json.loads(answer["body"]) for answer in answers), strict=True)
    lines = [json.dumps({"request": request, "response": response}) for request, response in pairs]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(f"{line}\n" for line in lines))
    return target


def _ask(app: Path, program: str, *arguments: object) -> Any:
    """What a *program* of the app's activities prints. Raises NotJudged."""
    process = subprocess.run(
        [sys.executable, "-P", "-m", f"activities.{program}", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(app.resolve())},
        check=False,
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise NotJudged("\n".join(process.stderr.splitlines()[-12:]) or "the app's code says nothing")
    return json.loads(process.stdout)


def _startable(script: Path | None, unmet: tuple[str, ...]) -> bool:
    """Whether a start of *script* can say more than *unmet* does."""
    return script is not None and script.is_file() and not any(_named(script) in sentence for sentence in unmet)


def _script(report: dict[str, Any], which: str, folder: Path) -> Path | None:
    """Where the `online_script` or `batch_script` of *folder* is to be; None where its configuration names none."""
    return folder / EXTRAS / CODE / report[which] if report[which] else None


async def _answers(report: dict[str, Any], script: Path | None, folder: Path, log: Path) -> list[dict[str, Any]]:
    """What the script answers to each golden request, in a process like that of an online deployment."""
    own_script = None if report["kind"] == MLFLOW or script is None else script.resolve()
    process = LineProcess(worker.main, [own_script], {"AZUREML_MODEL_DIR": str((folder / MODEL).resolve())}, log)
    try:
        try:
            async with asyncio.timeout(_LONGEST_S):
                await process.start()
        except NotStarted as error:
            raise NotStarted(_last_fault(log, own_script)) from error
        except TimeoutError as error:
            raise NotStarted(f"it is not ready after {_LONGEST_S} s") from error
        answers = []
        for request in report["golden"]:
            try:
                async with asyncio.timeout(_LONGEST_S):
                    answer = await process.ask({"data": json.dumps(request)})
            except Ended as error:
                raise NotStarted(f"its process ended: {_last_fault(log, own_script)}") from error
            except TimeoutError as error:
                raise NotStarted(f"it has not answered a request after {_LONGEST_S} s") from error
            body = answer["body"] if answer["ok"] else _last_fault(log, own_script)
            answers.append({"status": 200 if answer["ok"] else 424, "body": body})
        return answers
    finally:
        await process.end()


async def _scored(report: dict[str, Any], script: Path | None, folder: Path, place: Path) -> dict[str, str]:
    """What the script makes of the sample, in a process like that of a batch job: its `output`, or the `error`."""
    own_script = None if report["kind"] == MLFLOW or script is None else script.resolve()
    file, output, logs, log = place / report["sample"]["name"], place / "output", place / "logs", place / "batch.log"
    file.write_bytes(b64decode(report["sample"]["content"]))
    for kind in ("stdout", "error"):
        (logs / kind / "0").mkdir(parents=True)
    arguments = [own_script or Path(generated_script.__file__), logs, "0", "process000"]
    model = {"AZUREML_MODEL_DIR": str((folder / MODEL).resolve())}
    process = LineProcess(batch_worker.main, arguments, model, log)
    try:
        async with asyncio.timeout(_LONGEST_S):
            answer = await process.ask({"files": [str(file)], "output": str(output)})
        error = "" if answer["ok"] else _last_fault(log, own_script)
    except NotStarted:
        error = f"it does not start: {_last_fault(log, own_script)}"
    except Ended:
        error = f"its process ended: {_last_fault(log, own_script)}"
    except TimeoutError:
        error = f"it has given no answer in {_LONGEST_S} s"
    finally:
        await process.end()
    return {"error": error, "output": output.read_text(errors="replace") if output.is_file() and not error else ""}


def _last_fault(log: Path, script: Path | None) -> str:
    """The last exception in the *log*, with the file of the model's own code and the line where it arose."""
    text = log.read_text(errors="replace") if log.is_file() else ""
    reason = (text.strip().splitlines() or ["its log is empty"])[-1]
    traceback = text[text.rfind("Traceback (most recent call last)") :] if "Traceback" in text else ""
    frames = re.findall(r'File "([^"]+)", line (\d+)', traceback)
    own_frames = [(path, line) for path, line in frames if script is not None and Path(path).parent == script.parent]
    if not own_frames:  # What `run` has returned is no JSON, which arises outside the script.
        return f"{_named(script)}: {reason}" if script is not None and traceback else reason
    path, line = own_frames[-1]
    return f"{_named(Path(path))}:{line}: {reason}"


def _named(script: Path) -> str:
    """How the folder of a model names *script*."""
    return f"{EXTRAS}/{CODE}/{script.name}"
