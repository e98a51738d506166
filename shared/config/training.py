"""`ladder.STAGE.train`: the pipeline that each model is trained by on its way to the stage, and on what."""

import re
from collections.abc import Iterable

from shared.config.pipelines import read_compute, read_parameters, read_pipeline
from shared.config.reader import Reader
from shared.domain.inference.routes import HubLayout, Workspace
from shared.domain.promotion.ladder import Promotable, Stage
from shared.domain.promotion.training import StageTraining, TrainingFolder

FIELDS = ("pipeline", "experiment", "parameters", "recipe", "compute", "data", "bundle", "give_up_after")
FOLDER = ("path", "datastore")
LONGEST_S = 20 * 3600  # The receipt that opens the training lives for a day.
SMOKE = ("api_test_passed", "golden_requests_match")
_INPUT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"[a-z0-9]([a-z0-9-]{1,61})[a-z0-9](/[^/]+)+")


def read_stage_training(
    stage: Reader, name: str, environment: Workspace | None, hub: HubLayout
) -> tuple[StageTraining, ...]:
    """Each model's training on the way to the stage called *name*, none where it only carries bundles."""
    section = stage.inside("train")
    if not stage.has("train"):
        return ()
    if environment is None or environment.name != name:
        stage.fail("train", "is of a stage with another name than its environment", "name the stage after it")
    if not set(SMOKE) & set(stage.inside("exit").names()):
        remedy = f"add {' or '.join(SMOKE)}: what was trained counts once it has answered"
        stage.fail("exit", "asks for no smoke inference", remedy)
    nowhere = Workspace(name="", subscription="", resource_group="", workspace="")
    return tuple(_training(section.inside(model), model, environment or nowhere, hub) for model in section.names())


def refuse_known_answers(section: Reader, stages: Iterable[Stage], models: Iterable[Promotable]) -> None:
    """A model is trained only where it can climb on, and never on its own hold-out."""
    holdouts = {model.name: (model.holdout.path, model.holdout.answers) for model in models}
    for stage in stages:
        for training in stage.training:
            field = f"{stage.name}.train.{training.model}"
            if training.model not in holdouts:
                section.fail(field, "is not a model that climbs", f"add models.{training.model}.promotion")
            for folder in training.data:
                if any(path.startswith(f"{folder.path}/") for path in holdouts.get(training.model, ())):
                    section.fail(f"{field}.data.{folder.name}.path", "holds the hold-out", "train on other rows")


def _training(one: Reader, model: str, workspace: Workspace, hub: HubLayout) -> StageTraining:
    one.known(FIELDS)
    data = one.inside("data", required=True)
    read = StageTraining(
        model=model,
        pipeline=read_pipeline(one.inside("pipeline", required=True), workspace),
        experiment=one.text("experiment", model),
        data=tuple(_folder(data, name, hub) for name in data.names()),
        parameters=read_parameters(one.inside("parameters")),
        recipe=one.texts("recipe"),
        bundle=one.optional("bundle"),
        compute=read_compute(one.inside("compute")),
        give_up_after_s=one.seconds("give_up_after", 6 * 3600),
    )
    if read.give_up_after_s > LONGEST_S:
        one.fail("give_up_after", f"is {read.give_up_after_s} s", f"use at most {LONGEST_S // 3600}h: receipts expire")
    if read.bundle in {folder.name for folder in read.data}:
        one.fail("bundle", f"is {read.bundle!r}, as one of `data`", "give it an input of its own")
    return read


def _folder(section: Reader, name: str, hub: HubLayout) -> TrainingFolder:
    one = section.inside(name)
    one.known(FOLDER)
    if not _INPUT.fullmatch(name):
        section.fail(name, "is not an input's name", "use letters, digits and underscores")
    path = one.matching("path", _PATH, "container/folder in the hub")
    container = path.partition("/")[0]
    if path and container != hub.staging and not one.has("datastore"):
        one.fail("datastore", "is missing", f"say under which name Azure ML knows the container {container!r}")
    return TrainingFolder(name=name, path=path.rstrip("/"), datastore=one.text("datastore", hub.datastore))
