"""An agent of one machine: it runs the steps of a pipeline's YAML file, whose scripts are the real ones.

`az` is the command that stands in the folder *tools*. An environment that a job names and that is not there is made
without any check, as Azure DevOps does.
"""

import asyncio
import os
import re
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from signalbox.emulators.azure_devops.store import Document, Store

_ATTACHMENT = re.compile(r"##vso\[task\.addattachment type=([^;\]]+);name=([^;\]]+)\](.+)")
_PARAMETER = re.compile(r"\$\{\{ parameters\.(\w+) \}\}")
_LONGEST_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """*sources* is what `checkout` brings; *tools* comes first in the PATH; *variables* are the agent's environment."""

    sources: Path
    tools: Path
    variables: Mapping[str, str]


class Agent:
    def __init__(self, store: Store) -> None:
        self._store = store

    def settings(self) -> AgentSettings | None:
        """As a scene has set the agent up; None where there is none."""
        row = self._store.get("agent", "one")
        if row is None:
            return None
        return AgentSettings(sources=Path(row["sources"]), tools=Path(row["tools"]), variables=row["variables"])

    async def run(self, run: Document, item: Document) -> str:
        """The result of the job."""
        settings = self.settings()
        if settings is None:
            return "failed"
        pipeline = yaml.safe_load((settings.sources / item["file"]).read_text(encoding="utf-8"))
        declared = {row["name"]: str(row.get("default", "")) for row in pipeline.get("parameters", ())}
        values = {**declared, **{name: value for name, value in run["parameters"].items() if name in declared}}
        with tempfile.TemporaryDirectory() as folder:
            for step in self._steps(run, pipeline, values):
                script = _script(step)
                if script is None:
                    continue
                text = _filled(script, values).replace("$(Build.ArtifactStagingDirectory)", folder)
                environment = {name: _filled(str(value), values) for name, value in step.get("env", {}).items()}
                status, output = await _shell(text.replace("$(Agent.TempDirectory)", folder), settings, environment)
                self._note(run, output)
                if status:
                    return "failed"
        return "succeeded"

    def _steps(self, run: Document, pipeline: dict[str, Any], values: Mapping[str, str]) -> list[dict[str, Any]]:
        if "steps" in pipeline:
            return list(pipeline["steps"])
        (job,) = pipeline["jobs"]
        name = _filled(str(job["environment"]), values)
        if not any(row["name"].lower() == name.lower() for row in self._store.all("environment")):
            number = self._store.next_number("environment")
            row = {"id": number, "name": name, "_project": run["project"], "description": ""}
            self._store.put("environment", number, row)
        return list(job["strategy"]["runOnce"]["deploy"]["steps"])

    def _note(self, run: Document, output: str) -> None:
        """Its lines become the run's log, and what it attaches is kept."""
        attached = _ATTACHMENT.findall(output)
        for kind, name, path in attached:
            content = Path(path.strip()).read_bytes() if Path(path.strip()).is_file() else b""
            row = {"run": run["id"], "type": kind, "name": name, "content": b64encode(content).decode()}
            self._store.put("attachment", f"{run['id']}/{kind}/{name}", row)
        lines = [line for line in output.splitlines() if not _ATTACHMENT.match(line)]
        self._store.change("run", run["id"], lambda row: row["log"].extend(lines[-200:]))


def _script(step: Mapping[str, Any]) -> str | None:
    """What the step runs; None for those that only move files. Raises NotImplementedError for others."""
    if "script" in step:
        return str(step["script"])
    if step.get("task") == "AzureCLI@2":
        return str(step["inputs"]["inlineScript"])
    if "checkout" in step or "publish" in step:
        return None
    raise NotImplementedError(f"the local agent does not know the step {sorted(step)}")


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PARAMETER.sub(lambda match: values[match[1]], text)


async def _shell(text: str, settings: AgentSettings, variables: Mapping[str, str]) -> tuple[int, str]:
    environment = {**os.environ, **settings.variables, **variables, "PYTHONPATH": str(settings.sources)}
    environment["PATH"] = f"{settings.tools}:{os.environ.get('PATH', '')}"
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        text,
        cwd=settings.sources,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _LONGEST_S)
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        raise
    return process.returncode or 0, output.decode(errors="replace")
