"""`python -m activities.bundle_check CONFIGURATION MODEL FOLDER [ANSWERS]`: judge a folder as a promotion will.

It prints what is unmet, the golden requests, and a file for the batch script. ANSWERS is a JSON file with what the
scripts made of them: `online`, an answer for each request, and `batch`, the `output` or the `error`.
"""

import ast
import hashlib
import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from activities.batch_sample import BatchSample, batch_sample
from activities.golden_requests import api_test
from shared.application.promotion.planning import golden_requests, refuse_incomplete
from shared.config import load
from shared.domain.configuration import Configuration
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.gates.batch import options_of_trial
from shared.domain.promotion.batch_outputs import compare_outputs
from shared.domain.promotion.bundles import CODE, ENVIRONMENT, EXTRAS, MLFLOW_MODEL, MODEL, Bundle, BundleFile
from shared.domain.promotion.gate_specs import BATCH_GATE
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.models import ModelVersion, exact_model
from shared.ports import EndpointResponse
from shared.validation.conda_files import CondaFileError, read_conda

_CUSTOM = "custom_model"
_EACH_ROW = "let `run` return a pandas DataFrame, or a list, with one element for each input row"
_SERIALIZABLE = "let `run` return lists, dicts, texts and numbers; `.tolist()` makes a list of an array"


class _FolderFiles:
    """The extras of a folder on this machine, read as those of a registered version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, _: Any, path: str) -> bytes | None:
        file = self._folder / EXTRAS / path
        return file.read_bytes() if file.is_file() else None


def check_bundle(path: Path, name: str, folder: Path, answers: Mapping[str, Any] | None) -> dict[str, Any]:
    """The report: `unmet` sentences, `golden` requests, the `sample` of a batch, and the scripts that the ladder asks
    for."""
    configuration, model = load(path), exact_model(name)
    bundle = Bundle(files=tuple(_files(folder)))
    kind = (
        MLFLOW_MODEL
        if any(file.part == MODEL and Path(file.path).name == "MLmodel" for file in bundle.files)
        else _CUSTOM
    )
    unmet, golden = [*_incomplete(model, kind, bundle)], list[tuple[Any, Any]]()
    unmet += _not_configured(configuration, model.name)
    unmet += _unfit_scripts(folder, configuration.ladder.stages) if kind != MLFLOW_MODEL else ()
    unmet += _unfit_environment(folder / EXTRAS / ENVIRONMENT)
    try:
        golden = list(golden_requests(_FolderFiles(folder), None, model))  # type: ignore[arg-type]
    except Refused as refusal:
        unmet.append(f"{refusal}; write lines of {{'request': ..., 'response': ...}} there")
    stages = configuration.ladder.stages
    script = next((stage.serving.online_script for stage in stages if stage.serving.online), "")
    batch_stage = next((stage for stage in stages if stage.serving.batch and not stage.training), None)
    sample = None
    if batch_stage is not None and golden:
        try:
            sample = batch_sample(path.parent, _contract(configuration, model.name), folder, golden)
        except (Refused, ValueError) as error:
            unmet.append(f"the batch script cannot be tried: {error}")
    if answers is not None and answers["online"] is not None:
        unmet += _deviations(_named(kind, script), golden, answers["online"])
    if answers is not None and answers["batch"] is not None and sample is not None and batch_stage is not None:
        unmet += _batch_faults(_named(kind, batch_stage.serving.batch_script), batch_stage, sample, answers["batch"])
    return {
        "unmet": list(dict.fromkeys(unmet)),
        "kind": kind,
        "digest": bundle.digest,
        "files": len(bundle.files),
        "golden": [request for request, _ in golden],
        "online_script": script,
        "batch_script": batch_stage.serving.batch_script if batch_stage else "",
        "sample": sample and {"name": sample.name, "content": b64encode(sample.content).decode(), "rows": sample.rows},
    }


def _named(kind: str, script: str) -> str:
    return "the MLflow model" if kind == MLFLOW_MODEL else f"{EXTRAS}/{CODE}{script}"


def _contract(configuration: Configuration, name: str) -> str:
    """Raises Refused for a model that may not climb."""
    return configuration.ladder.promotable(name).contract


def _files(folder: Path) -> Iterator[BundleFile]:
    for part in (MODEL, EXTRAS):
        for file in sorted((folder / part).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                content, path = file.read_bytes(), file.relative_to(folder / part).as_posix()
                yield BundleFile(part=part, path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def _incomplete(model: ModelVersion, kind: str, bundle: Bundle) -> Iterator[str]:
    try:
        refuse_incomplete(model, kind, bundle, f"add it below {MODEL}/ or {EXTRAS}/")
    except Refused as refusal:
        yield str(refusal)


def _not_configured(configuration: Configuration, name: str) -> Iterator[str]:
    try:
        configuration.ladder.promotable(name)
    except Refused as refusal:
        yield f"{refusal}; correct the name, or add models.{name}.promotion"


def _unfit_scripts(folder: Path, stages: tuple[Stage, ...]) -> Iterator[str]:
    """The scripts that a stage would deploy and that are not there, or are no Python."""
    for stage in stages:
        serving = stage.serving
        scripts = (
            ("online_script", serving.online, serving.online_script),
            ("batch_script", serving.batch, serving.batch_script),
        )
        for field, endpoint, script in scripts:
            file = folder / EXTRAS / CODE / script
            if not endpoint or stage.training:
                continue
            if not file.is_file():
                yield f"{EXTRAS}/{CODE}{script} is not there; add it, or correct ladder.{stage.name}.serve.{field}"
                continue
            try:
                # Parsed and not imported: an import would run the script here, and need its packages.
                functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
            except SyntaxError as error:
                yield f"{EXTRAS}/{CODE}{script} is no Python: line {error.lineno}: {error.msg}; correct it"
                continue
            except ValueError as error:  # Not UTF-8, or with null bytes.
                yield f"{EXTRAS}/{CODE}{script} is no Python: {error}; correct it"
                continue
            if "run" not in {function.name for function in functions}:
                yield f"{EXTRAS}/{CODE}{script} has no function run(), which Azure ML calls for each request; add it"


def _unfit_environment(file: Path) -> Iterator[str]:
    """Why Azure ML could build no image of the file of packages. A folder without it is incomplete, which is said."""
    if not file.is_file():
        return
    try:
        read_conda(file.read_bytes())
    except CondaFileError as error:
        yield f"{EXTRAS}/{ENVIRONMENT} {error}"


def _deviations(subject: str, golden: list[tuple[Any, Any]], answers: list[dict[str, Any]]) -> Iterator[str]:
    """Golden requests at which *subject* fails, or which it answers in another way than is recorded with them."""
    failures = [answer["body"] for answer in answers if answer["status"] != 200]
    if failures:
        remedy = _SERIALIZABLE if "JSON serializable" in failures[0] else "correct it"
        yield f"the online script fails at {counted(len(failures), 'golden request')}: {failures[0][:300]}; {remedy}"
    pairs = [
        (recorded, answer) for (_, recorded), answer in zip(golden, answers, strict=True) if answer["status"] == 200
    ]
    responses = [EndpointResponse(status=200, body=answer["body"].encode(), took_ms=0.0) for _, answer in pairs]
    test = api_test([recorded for recorded, _ in pairs], responses)
    if test.golden is not None and test.golden.unlike:
        unlike = counted(test.golden.unlike, "golden request")
        yield (
            f"{subject} answers {unlike} in another form: {test.schema_problems[0]}; "
            "correct it, or record the answers anew"
        )
    if test.golden is not None and test.golden.deviating > test.golden.unlike:
        yield (
            f"{test.golden.deviating} of {counted(test.golden.requests, 'golden request')} "
            f"{'is' if test.golden.deviating == 1 else 'are'} answered otherwise, by up to "
            f"{test.golden.largest:g}; record the answers of this very model"
        )


def _batch_faults(subject: str, stage: Stage, sample: BatchSample, outcome: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with how the batch script has scored the *sample*."""
    given = counted(sample.rows, "row")
    if outcome["error"]:
        remedy = "" if "run() returned" in outcome["error"] else "; correct it"
        yield f"the batch script fails at {given} of {sample.made}: {outcome['error'][:400]}{remedy}"
        return
    lines = outcome["output"].splitlines()
    if len(lines) != sample.rows:
        yield f"{subject} returns {counted(len(lines), 'row')} for the {given} of {sample.made}; {_EACH_ROW}"
        return
    options = options_of_trial(stage.exit_gates)
    if options is None or not options.compare or not sample.asked:
        return
    difference = compare_outputs(lines, sample.asked, options.tolerance, options.field)
    if difference.deviating:
        yield (
            f"{subject} answers {difference.deviating} of {difference.compared} golden rows otherwise than recorded: "
            f"{difference.example}; let both scripts answer alike, or set compare: false on {BATCH_GATE}"
        )


def main(arguments: list[str]) -> int:
    """Print the report; 2 where there is none, because the name or the configuration cannot be used."""
    path, name, folder, *rest = arguments
    answers = json.loads(Path(rest[0]).read_text()) if rest else None
    try:
        report = check_bundle(Path(path), name, Path(folder), answers)
    except (Refused, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
