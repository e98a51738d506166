"""Judge a model's folder as a promotion will: by the app's own code, with the online script really started."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.online import worker
from signalbox.emulators.azure_ml.process import Ended, LineProcess, NotStarted
from signalbox.models.assets import CODE, EXTRAS, MLFLOW, MODEL

GOLDEN = "golden/requests.jsonl"


class NotJudged(ValueError):
    """Nothing could be tried: the name or the configuration cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """*unmet*: what a promotion would refuse, a sentence each; *answered*: golden requests that were really asked."""

    unmet: tuple[str, ...]
    kind: str
    digest: str
    files: int
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRows:
    """The first *count* rows of the CSV *file*, *each* in a request, without the columns that are *left_out*."""

    file: Path
    count: int
    each: int
    left_out: tuple[str, ...] = ()
    replace: bool = False


def validate_folder(app: Path, configuration: Path, name: str, folder: Path) -> Validation:
    """Judge *folder* as `name:version` *name*. Raises NotJudged."""
    report = _ask(app, "bundle_check", configuration, name, folder)
    script = _online_script(report, folder)
    unmet, answered = tuple(report["unmet"]), 0
    if report["golden"] and (report["kind"] == MLFLOW or _startable(script, unmet)):
        with tempfile.TemporaryDirectory() as place:
            try:
                answers = asyncio.run(_answers(report, script, folder, Path(place) / "script.log"))
            except NotStarted as error:
                unmet += (f"the online script does not start: {error}; correct it",)
            else:
                file = Path(place) / "answers.json"
                file.write_text(json.dumps(answers))
                unmet, answered = (
                    tuple(_ask(app, "bundle_check", configuration, name, folder, file)["unmet"]),
                    len(answers),
                )
    return Validation(
        unmet=unmet, kind=report["kind"], digest=report["digest"], files=report["files"], answered=answered
    )


def write_golden_requests(app: Path, configuration: Path, name: str, folder: Path, rows: GoldenRows) -> Path:
    """Ask the online script of *folder* about *rows*, and keep requests and answers as its golden requests.

    Returns their file, which must not be there unless it may be replaced. Raises NotJudged.
    """
    target = folder / EXTRAS / GOLDEN
    if target.exists() and not rows.replace:
        raise NotJudged(f"{target} is there already; give --force to replace it")
    report = _ask(app, "bundle_check", configuration, name, folder)
    script = _online_script(report, folder)
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


def _online_script(report: dict[str, Any], folder: Path) -> Path | None:
    """Where the online script of *folder* is to be; None where its configuration names none."""
    return folder / EXTRAS / CODE / report["online_script"] if report["online_script"] else None


async def _answers(report: dict[str, Any], script: Path | None, folder: Path, log: Path) -> list[dict[str, Any]]:
    """What the script answers to each golden request, in a process like that of an online deployment."""
    own_script = None if report["kind"] == MLFLOW or script is None else script.resolve()
    process = LineProcess(worker.main, [own_script], {"AZUREML_MODEL_DIR": str((folder / MODEL).resolve())}, log)
    try:
        try:
            await process.start()
        except NotStarted as error:
            raise NotStarted(_last_fault(log, own_script)) from error
        answers = []
        for request in report["golden"]:
            try:
                answer = await process.ask({"data": json.dumps(request)})
            except Ended as error:
                raise NotStarted(f"its process ended: {_last_fault(log, own_script)}") from error
            body = answer["body"] if answer["ok"] else _last_fault(log, own_script)
            answers.append({"status": 200 if answer["ok"] else 424, "body": body})
        return answers
    finally:
        await process.end()


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
