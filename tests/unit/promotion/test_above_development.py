"""Which environments are above development: by where stages lead, on ladders that are no single line."""

from dataclasses import replace
from pathlib import Path

from shared.config import load
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Ladder, Registry, Stage
from shared.operations.infrastructure.__main__ import infrastructure
from shared.operations.infrastructure.role_rows import persona_rows

CONFIGURATION = load(Path(__file__).parents[3] / "signalbox.yaml")
ROLLOUT = next(stage.rollout for stage in CONFIGURATION.ladder.stages if stage.rollout is not None)
# Two experiments with a development each, of which one is named by the first stage of the file only by chance.
LADDER = (
    "preprod < dev",
    "dev < experiment",
    "trial < lab",
    "central < preprod",
    "prod < central",
)


def environment(name: str) -> Workspace:
    return Workspace(name=name, subscription="s", resource_group="g", workspace=f"mlw-{name}")


def ladder(*edges: str) -> Ladder:
    stages = list[Stage]()
    for edge in edges:
        name, _, source = edge.partition(" < ")
        registry = Registry(name="central", subscription="s", resource_group="g") if name == "central" else None
        stages.append(
            Stage(name=name, source=source, registry=registry, environment=None if registry else environment(name))
        )
    return Ladder(stages=tuple(stages))


def test_every_experiment_has_its_own_development() -> None:
    tree = ladder(*LADDER)
    assert tree.experiments == {"experiment", "lab"}
    assert tree.developments == {"dev", "trial"}
    assert tree.above_development == {"preprod", "prod"}


def test_the_order_of_the_file_says_nothing() -> None:
    first, second = ladder(*LADDER), ladder(*reversed(LADDER))
    assert (first.experiments, first.developments) == (second.experiments, second.developments)
    assert first.above_development == second.above_development


def test_what_serves_users_is_above_however_short_the_way_is() -> None:
    (stage,) = ladder("prod < experiment").stages
    short = Ladder(stages=(replace(stage, rollout=ROLLOUT),))
    assert (short.developments, short.above_development) == (frozenset(), {"prod"})


def test_what_is_led_to_from_higher_up_too_is_above() -> None:
    both = ladder("dev < experiment", "shared < experiment")
    higher = Stage(name="shared-again", source="dev", environment=environment("shared"))
    tree = Ladder(stages=(*both.stages, higher))
    assert (tree.developments, tree.above_development) == ({"dev"}, {"shared"})


def test_people_and_templates_follow_the_one_rule() -> None:
    """A data scientist of either experiment works there; nobody but the app writes above either development."""
    names = ("experiment", "lab", "dev", "trial", "preprod", "prod")
    workspaces = tuple(environment(name) for name in names)
    configuration = replace(
        CONFIGURATION,
        workspaces=workspaces,
        ladder=replace(CONFIGURATION.ladder, stages=ladder(*LADDER).stages),
        hubs=(),
    )
    writes = {(row["persona"], row["environment"]) for row in persona_rows(configuration) if row["role"] != "Reader"}
    assert writes == {
        *(("data-scientist", name) for name in ("experiment", "lab")),
        *(("ml-engineer", name) for name in ("experiment", "lab", "dev", "trial")),
    }
    environments = infrastructure(configuration)["environments"]
    assert isinstance(environments, dict)
    assert {name for name, row in environments.items() if row["aboveDevelopment"]} == {"preprod", "prod"}


def test_the_example_is_as_it_was() -> None:
    assert CONFIGURATION.ladder.experiments == {"experiment"}
    assert CONFIGURATION.ladder.developments == {"dev"}
    assert CONFIGURATION.ladder.above_development == {"preprod", "prod"}
