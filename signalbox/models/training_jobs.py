"""A project's training job: submitted to a workspace, followed with its log, and its output brought here.

The job is a file that Azure ML's own tools read too. Nothing here is of the local cloud.
"""

import contextlib
import io
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from signalbox.models.workspace import MlWorkspace, datastore_path, download

OUTPUT = "output"  # What a training's output is called: docs/training-pipelines.md.
_LOOK_EVERY_S = 1.0
_USER_LOGS = "user_logs/"  # What the programs of a job print; beside it lies what Azure ML itself logs.
_KINDS = ("command", "pipeline", "sweep")
_COMPLETED = "Completed"
_FINAL = {_COMPLETED, "Failed", "Canceled", "NotResponding"}


class NotSubmitted(ValueError):
    """The job's file cannot be used; the message says why and what to do."""


class JobFailed(RuntimeError):
    """The job has not completed; the message says where its log is."""


def inputs_of(file: Path) -> list[str]:
    """The names of the inputs that the job in *file* can be given. Raises NotSubmitted."""
    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise NotSubmitted(f"{file} is no YAML file: {_plain(error)}; name the file of a job") from error
    kind = document.get("type") if isinstance(document, dict) else None
    if kind not in _KINDS or str(document.get("$schema", "")).endswith("Component.schema.json"):
        raise NotSubmitted(f"{file} is no job of type {', '.join(_KINDS)}; name one, such as training/job.yaml")
    return sorted(document.get("inputs") or {})


def submit(client: Any, file: Path, inputs: Mapping[str, str]) -> Any:
    """Submit the job in *file* with other *inputs*; returns it as Azure ML shows it. Raises NotSubmitted."""
    from azure.ai.ml import load_job
    from azure.ai.ml.exceptions import MlException
    from marshmallow.exceptions import MarshmallowError

    try:
        job: Any = load_job(file, params_override=[{f"inputs.{name}": value} for name, value in inputs.items()])
        job.name = f"train-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        if OUTPUT in (getattr(job, "outputs", None) or {}):
            job.outputs[OUTPUT].path = datastore_path(_folder_of(job.name))  # Where `fetch_output` looks for it.
        for part in _parts_with_environments(job):
            part.environment = _registered_environment(client, part.environment)
        with contextlib.redirect_stderr(io.StringIO()):  # It ends its progress there even where it shows none.
            return client.jobs.create_or_update(job)
    except (MlException, MarshmallowError) as error:
        raise NotSubmitted(f"{file} cannot be submitted: {_plain(error)}") from error


def follow(client: Any, name: str, tell: Callable[[str], None]) -> None:
    """Tell what the job and its steps log, line by line, until the job has ended. Raises JobFailed."""
    logs, pause = _Logs(client), threading.Event()
    while True:
        status = _status(client, name)  # Before the logs are read, so that none comes after the last look.
        new_lines = [line for run, step in _runs(client, name) for line in logs.new_lines(run, step, status in _FINAL)]
        for line in new_lines:
            tell(line)
        if status in _FINAL:
            break
        pause.wait(_LOOK_EVERY_S)
    if status != _COMPLETED:
        raise JobFailed(f"job {name} has ended as {status}; its log is above")


def fetch_output(workspace: MlWorkspace, name: str, folder: Path) -> list[str]:
    """Put what the job has written into *folder*, in place of an earlier training's; returns the parts.

    Raises JobFailed where it has written nothing.
    """
    with tempfile.TemporaryDirectory() as place:
        download(workspace, _folder_of(name), Path(place))
        parts = sorted(Path(place).iterdir())
        if not parts:
            raise JobFailed(
                f"job {name} has written nothing to its output {OUTPUT!r}; see what its file says of outputs"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for part in parts:
            target = folder / part.name
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            shutil.move(part, target)
        return [part.name for part in parts]


def _folder_of(name: str) -> str:
    return f"trainings/{name}"


class _Logs:
    """What has been read of each log so far.

    The public client streams whole jobs alone, and no step of a pipeline; run history, which it reads itself, has both.
    """

    def __init__(self, client: Any) -> None:
        self._history = client.jobs._runs_operations
        self._read_sizes: dict[tuple[str, str], int] = {}

    def new_lines(self, run: str, step: str, is_last: bool) -> Iterator[str]:
        """The lines that *run* has logged since the last look, after the name of its *step*; with *is_last* also one
        that is not whole."""
        for file, address in sorted((self._history.get_run_details(run).log_files or {}).items()):
            if not file.startswith(_USER_LOGS):
                continue
            answer = requests.get(address, timeout=60)
            answer.raise_for_status()
            size = self._read_sizes.get((run, file), 0)
            text = answer.content[size:]
            whole = len(text) if is_last else text.rfind(b"\n") + 1
            self._read_sizes[run, file] = size + whole
            yield from (f"{step}: {line}" for line in text[:whole].decode(errors="replace").splitlines())


def _status(client: Any, name: str) -> str:
    status = client.jobs.get(name).status
    return str(getattr(status, "value", status))


def _runs(client: Any, name: str) -> Iterator[tuple[str, str]]:
    """The job and its steps: the id under which each logs, and what people call it."""
    yield name, name
    for step in client.jobs.list(parent_job_name=name):
        yield step.name, step.display_name or step.name


def _parts_with_environments(job: Any) -> Iterator[Any]:
    """The job, its trial or the components of its steps: all that have an environment written into them."""
    from azure.ai.ml.entities import Environment

    steps = (getattr(step, "component", None) for step in (getattr(job, "jobs", None) or {}).values())
    for part in (job, getattr(job, "trial", None), *steps):
        if isinstance(getattr(part, "environment", None), Environment):
            yield part


def _registered_environment(client: Any, environment: Any) -> Any:
    """The environment under the name in its file of packages, which stands for what they are; else as it is."""
    from azure.ai.ml.entities import Environment
    from azure.core.exceptions import ResourceNotFoundError

    packages = environment.conda_file
    name = packages.get("name") if isinstance(packages, dict) else None
    if not name:
        return environment
    try:
        return client.environments.get(name, "1").id
    except ResourceNotFoundError:
        new = Environment(name=name, version="1", conda_file=packages, image=environment.image)
        return client.environments.create_or_update(new).id


def _plain(error: Exception) -> str:
    """What Azure ML's client or the reader of YAML says first, in one line without the colours of a terminal."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines() if line.strip()]
    return " ".join(lines[:4])[:300].rstrip(".") or type(error).__name__
