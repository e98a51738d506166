"""Training on the way up: what an edge trains a model with, the plan of one such training, and what it made.

The bundle that climbs on is the one that was made here: it is known only once the pipeline has ended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.domain.failures import Refused
from shared.domain.promotion.bundles import BundleFile
from shared.domain.promotion.models import ModelVersion
from shared.domain.retraining.pipelines import Pipeline, TrainingCompute

RECIPE = "signalbox.recipe."  # The tags of a version that say how it is to be trained.


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFolder:
    """An input of the pipeline: *path* is `container/folder` in the hub, *datastore* its container in Azure ML."""

    name: str
    path: str
    datastore: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTraining:
    """How a stage trains one model. *recipe* names the parameters that each version brings in its own tags.

    *bundle* is the pipeline's input that gets the version's copied bundle, empty where it wants none.
    """

    model: str
    pipeline: Pipeline
    experiment: str
    data: tuple[TrainingFolder, ...]
    parameters: dict[str, str] = field(default_factory=dict)
    recipe: tuple[str, ...] = ()
    bundle: str = ""
    compute: TrainingCompute = field(default_factory=TrainingCompute)
    give_up_after_s: int = 6 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFolder:
    """A folder as it was planned: *folder* as Azure ML names it, *digest* over its files' paths, sizes and eTags."""

    name: str
    path: str
    folder: str
    files: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """*rules* with the pipeline's deployment and every parameter resolved, and the data pinned."""

    rules: StageTraining
    data: tuple[PinnedFolder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the pipeline's run (Azure ML's id) made: *contents* lie in `model/` and `extras/` of the folder *output*."""

    run: str
    output: str
    contents: tuple[BundleFile, ...]
    lineage: dict[str, str] = field(default_factory=dict)


def parameters_of(rules: StageTraining, model: ModelVersion, tags: Mapping[str, str]) -> dict[str, str]:
    """What the run is given: the stage's parameters, and in their place what the version's recipe says.

    Raises Refused for a recipe that is missing or asks for what the stage does not leave to versions.
    """
    recipe = {name.removeprefix(RECIPE): value for name, value in tags.items() if name.startswith(RECIPE)}
    strange = sorted(recipe.keys() - set(rules.recipe))
    if strange:
        raise Refused(f"tag {RECIPE}{strange[0]} of {model} says what versions may not; {_allowed(rules.recipe)}")
    parameters = {**rules.parameters, **recipe}
    missing_names = sorted(set(rules.recipe) - parameters.keys())
    if missing_names:
        raise Refused(f"{model} has no tag {RECIPE}{missing_names[0]}; say on the version how it is to be trained")
    return parameters


def _allowed(recipe: Iterable[str]) -> str:
    return f"they may say {', '.join(recipe) or 'nothing'}"
