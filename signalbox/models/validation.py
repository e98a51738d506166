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


def validate_folder(app: Path, configuration: Path, name: str, folder: Path) -> Validation:
    """Judge *folder* as `name:version` *name*. Raises NotJudged."""
    report = _ask(app, configuration, name, folder)
    script = folder / EXTRAS / CODE / report["online_script"] if report["online_script"] else None
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
                unmet, answered = tuple(_ask(app, configuration, name, folder, file)["unmet"]), len(answers)
    return Validation(
        unmet=unmet, kind=report["kind"], digest=report["digest"], files=report["files"], answered=answered
    )


def _ask(app: Path, *arguments: object) -> dict[str, Any]:
    process = subprocess.run(
        [sys.executable, "-P", "-m", "activities.bundle_check", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(app.resolve())},
        check=False,
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise NotJudged("\n".join(process.stderr.splitlines()[-12:]) or "the app's code says nothing")
    return dict(json.loads(process.stdout))


def _startable(script: Path | None, unmet: tuple[str, ...]) -> bool:
    """Whether a start of *script* can say more than *unmet* does."""
    return script is not None and script.is_file() and not any(_named(script) in sentence for sentence in unmet)


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
    if not own_frames:
        return reason
    path, line = own_frames[-1]
    return f"{_named(Path(path))}:{line}: {reason}"


def _named(script: Path) -> str:
    """How the folder of a model names *script*."""
    return f"{EXTRAS}/{CODE}/{script.name}"
