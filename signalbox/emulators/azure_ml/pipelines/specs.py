"""Jobs that were put whole: a command, or a pipeline with its steps, written as the component that they amount to."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from signalbox.emulators.azure_ml.doors import Refusal, bad
from signalbox.emulators.azure_ml.estate import BLOB_STORE
from signalbox.emulators.azure_ml.pipelines.components import FOLDERS

COMMAND, PIPELINE = "Command", "Pipeline"
FILE = "uri_file"
_OPERATORS = re.compile(r"[;&|<>]+")


def inline_spec(name: str, properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """The `componentSpec` of a job; None where the job names a component instead. Raises Refusal."""
    kind = properties.get("jobType")
    if kind == COMMAND:
        refuse_shell(str(properties.get("command") or ""))
        return {
            **_interface(name, properties),
            "type": "command",
            "command": properties["command"],
            "code": properties.get("codeId"),
            "environmentVariables": properties.get("environmentVariables") or {},
        }
    if kind != PIPELINE:
        raise Refusal(501, "NotImplemented", f"The local cloud runs Command and Pipeline jobs, and no {kind} job.")
    if properties.get("componentId"):
        return None
    steps = properties.get("jobs") or {}
    if not steps:
        raise bad(f"the pipeline job {name} has neither steps nor a componentId")
    return {**_interface(name, properties), "type": "pipeline", "jobs": steps}


def refuse_steps(spec: Mapping[str, Any]) -> None:
    """Raises Refusal for a pipeline with steps that are no commands, or that register what they write."""
    for name, step in (spec.get("jobs") or {}).items():
        kind = str(step.get("type") or "command")
        if kind != "command":
            message = f"The local cloud runs command steps, and {name} is a {kind} step."
            raise Refusal(501, "NotImplemented", message)
        if any(isinstance(output, dict) and output.get("name") for output in (step.get("outputs") or {}).values()):
            message = f"The local cloud registers outputs of jobs, and none of a step such as {name}."
            raise Refusal(501, "NotImplemented", message)


def refuse_shell(command: str) -> None:
    """Raises Refusal for a *command* that needs a shell: programs are started without one."""
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    operators = sorted({word for word in words if _OPERATORS.fullmatch(word)})
    if operators:
        raise Refusal(
            501,
            "NotImplemented",
            f"The local cloud starts the one program of a command without a shell, and {command!r} has "
            f"{' and '.join(operators)}; put it into a script.",
        )


def output_places(guid: str, spec: Mapping[str, Any], uris: Mapping[str, str]) -> dict[str, str]:
    """Where each output of the run is written: where its caller said, or else at Azure ML's own place."""
    return {
        name: uris.get(name) or f"azureml://datastores/{BLOB_STORE}/paths/azureml/{guid}/{name}{_end(declaration)}"
        for name, declaration in (spec.get("outputs") or {}).items()
    }


def _end(declaration: Mapping[str, Any]) -> str:
    return "" if declaration.get("type") == FILE else "/"


def _interface(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    inputs, outputs = properties.get("inputs") or {}, properties.get("outputs") or {}
    return {
        "name": name,
        "inputs": {key: {"type": _input_type(input_)} for key, input_ in inputs.items()},
        "outputs": {key: {"type": output.get("jobOutputType", "uri_folder")} for key, output in outputs.items()},
    }


def _input_type(input_: Mapping[str, Any]) -> str:
    kind = str(input_.get("jobInputType"))
    return kind if kind in FOLDERS else "string"
