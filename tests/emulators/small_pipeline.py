"""A pipeline component of one step, registered by plain requests: `python step.py` with its inputs in order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signalbox.launcher.training import give_training_set
from tests.emulators.conftest import Ml

OUTPUTS = {"output": {"type": "uri_folder"}}


def publish_step(
    ml: Ml, folder: Path, name: str, inputs: Mapping[str, Any], optional: Mapping[str, Any] | None = None
) -> str:
    """The ARM id of pipeline component *name*, version 1; *folder* has `step.py`, *optional* inputs reach no step."""
    root, code = ml.ids["mlw-dev"], f"{name}-code"
    ml.must("PUT", f"mlw-dev/codes/{code}/versions/1", _code(give_training_set(ml.endpoints, folder, name)))
    places = " ".join(["${{outputs.output}}", *("${{inputs.@}}".replace("@", each) for each in inputs)])
    step = {
        "name": f"{name}_step",
        "type": "command",
        "inputs": dict(inputs),
        "outputs": OUTPUTS,
        "command": f"python step.py {places}",
        "code": f"azureml:{root}/codes/{code}/versions/1",
    }
    bound = {each: {"job_input_type": "literal", "value": f"${{{{parent.inputs.{each}}}}}"} for each in inputs}
    job = {
        "type": "command",
        "componentId": f"{root}/components/{name}_step/versions/1",
        "inputs": bound,
        "outputs": {"output": {"type": "literal", "value": "${{parent.outputs.output}}"}},
    }
    given = {**inputs, **(optional or {})}
    whole = {"name": name, "type": "pipeline", "inputs": given, "outputs": OUTPUTS, "jobs": {"only": job}}
    for spec in (step, whole):
        ml.must("PUT", f"mlw-dev/components/{spec['name']}/versions/1", {"properties": {"componentSpec": spec}})
    return f"{root}/components/{name}/versions/1"


def _code(uri: str) -> dict[str, Any]:
    return {"properties": {"codeUri": uri}}
