"""`ladder.STAGE.train`: the pipeline that each model is trained by on its way to the stage, and on what."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from shared.config.fields import Seconds, Text, Texts, Words
from shared.config.paths import CONTAINER
from shared.config.reading import FilePlace, built
from shared.config.sections.routes import NOWHERE
from shared.config.sections.training.pipelines import ComputeSection, Parameters, PipelineSection, pipeline_of
from shared.domain.inference.routes import HubLayout, Workspace
from shared.domain.promotion.ladder import Promotable, Stage
from shared.domain.promotion.training import StageTraining, TrainingFolder
from shared.domain.retraining.pipelines import TrainingCompute

_LONGEST_S = 20 * 3600  # The receipt that opens the training lives for a day.
_SMOKE = ("api_test_passed", "golden_requests_match")
_INPUT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = r"[a-z0-9]([a-z0-9-]{1,61})[a-z0-9](/[^/]+)+"
_PUBLISHED = rf"{CONTAINER.pattern}/.+"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSection:
    """Rows to train on; *datastore* is the container's name in Azure ML."""

    path: Annotated[
        str,
        Words(pattern=_PATH, published=_PUBLISHED, expected="container/folder in the hub", described="CONTAINER/PATH"),
    ]
    datastore: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTrainingSection:
    """How a stage trains one model."""

    pipeline: PipelineSection
    data: dict[str, FolderSection]
    experiment: Text | None = None
    parameters: Parameters = field(default_factory=dict)
    recipe: Texts = ()
    compute: ComputeSection = field(default_factory=ComputeSection)
    bundle: Text | None = None
    give_up_after: Seconds | None = None


def stage_training_of(
    sections: Mapping[str, StageTrainingSection],
    stage: str,
    place: FilePlace,
    environment: Workspace | None,
    exit_gates: Iterable[str],
    hub: HubLayout,
) -> tuple[StageTraining, ...]:
    """Each model's training on the way to *stage*."""
    if environment is None or environment.name != stage:
        place.fail("train", "is of a stage with another name than its environment", "name the stage after it")
    if not set(_SMOKE) & set(exit_gates):
        remedy = f"add {' or '.join(_SMOKE)}: what was trained counts once it has answered"
        place.fail("exit", "asks for no smoke inference", remedy)
    train = place.inside("train")
    return tuple(
        _training(section, model, train.inside(model), environment or NOWHERE, hub)
        for model, section in sections.items()
    )


def refuse_known_answers(place: FilePlace, stages: Iterable[Stage], models: Iterable[Promotable]) -> None:
    """A model is trained only where it can climb on, and never on its own hold-out."""
    holdouts = {model.name: (model.holdout.path, model.holdout.answers) for model in models}
    for stage in stages:
        for training in stage.training:
            name = f"{stage.name}.train.{training.model}"
            if training.model not in holdouts:
                place.fail(name, "is not a model that climbs", f"add models.{training.model}.promotion")
            for folder in training.data:
                if any(path.startswith(f"{folder.path}/") for path in holdouts.get(training.model, ())):
                    place.fail(f"{name}.data.{folder.name}.path", "holds the hold-out", "train on other rows")


def _training(
    section: StageTrainingSection, model: str, place: FilePlace, workspace: Workspace, hub: HubLayout
) -> StageTraining:
    data = place.inside("data")
    training = built(
        StageTraining,
        section,
        model=model,
        pipeline=pipeline_of(section.pipeline, place.inside("pipeline"), workspace),
        experiment=section.experiment or model,
        data=tuple(_folder(folder, name, data, hub) for name, folder in section.data.items()),
        compute=built(TrainingCompute, section.compute),
    )
    if training.give_up_after_s > _LONGEST_S:
        problem = f"is {training.give_up_after_s} s"
        place.fail("give_up_after", problem, f"use at most {_LONGEST_S // 3600}h: receipts expire")
    if training.bundle in section.data:
        place.fail("bundle", f"is {training.bundle!r}, as one of `data`", "give it an input of its own")
    return training


def _folder(section: FolderSection, name: str, place: FilePlace, hub: HubLayout) -> TrainingFolder:
    if not _INPUT.fullmatch(name):
        place.fail(name, "is not an input's name", "use letters, digits and underscores")
    container = section.path.partition("/")[0]
    if container not in ("", hub.staging) and section.datastore is None:
        remedy = f"say under which name Azure ML knows the container {container!r}"
        place.inside(name).fail("datastore", "is missing", remedy)
    return TrainingFolder(name=name, path=section.path.rstrip("/"), datastore=section.datastore or hub.datastore)
