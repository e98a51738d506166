"""A hub belongs to one team where several share the app: nobody else names a place in it, used or not."""

from pathlib import Path

import pytest

from shared.config import check, load
from shared.domain.teams.views import owner_of_folder, owner_of_path
from tests.two_teams import PLATFORM, team_file, write_two_teams

HUB = """\
hubs:
  churn-lab: {account: stchurn, subscription: s, resource_group: g, containers: [churn-lab], environments: [dev]TEAM}
"""
OWN = ", team: churn"
# What team vision could want of it: to score, to publish, and to learn.
TAKEN = ("take: landing/vision/", "take: churn-lab/landing/")
PUBLISHED = ("publish: predictions/vision/", "publish: churn-lab/vision-out/")
LEARNED = ('take: "training/vision/', 'take: "churn-lab/train/')


def written(folder: Path, team: str, *changes: tuple[str, str], of: str = "vision", own: str = PLATFORM) -> Path:
    platform = own.replace("workspace: dev}", "workspace: dev, experiment: true}", 1) + HUB.replace("TEAM", team)
    text = team_file(of).replace("      promote_to: preprod\n", "")
    for before, after in changes:
        assert before.replace("vision", of) in text
        text = text.replace(before.replace("vision", of), after)
    return write_two_teams(folder, platform=platform, **{of: text})


def errors(path: Path) -> list[str]:
    return [str(finding) for finding in check(path) if finding.level == "error"]


@pytest.mark.parametrize("change", [TAKEN, PUBLISHED, LEARNED], ids=["take", "publish", "train"])
@pytest.mark.parametrize(("team", "owner"), [(OWN, "team churn"), ("", "the platform")])
def test_no_other_team_names_a_place_in_a_hub(tmp_path: Path, change: tuple[str, str], team: str, owner: str) -> None:
    found = errors(written(tmp_path, team, change))

    said = f"means files that belong to {owner} ("
    assert any(said in error and "'churn-lab/" in error for error in found), found


def test_its_own_team_uses_it_and_owns_what_nobody_takes(tmp_path: Path) -> None:
    path = written(tmp_path, OWN, ("take: landing/vision/", "take: churn-lab/landing/"),
                   ("publish: predictions/vision/", "publish: churn-lab/out/"),
                   ('land: "landing/vision/', 'land: "churn-lab/landing/'), LEARNED, of="churn")  # fmt: skip

    assert errors(path) == []
    configuration = load(path)
    assert [hub.team for hub in configuration.hubs] == ["churn"]
    assert owner_of_path(configuration, "churn-lab/notes/a.csv") == "churn"
    assert owner_of_folder(configuration, "churn-lab/notes/") == "churn"


@pytest.mark.parametrize(
    ("team", "own", "said"),
    [
        (", team: fraud", PLATFORM, "hubs.churn-lab.team: is 'fraud'; use churn, vision"),
        (
            ", team: vision",
            PLATFORM.replace("environments: [dev, preprod, prod]", "environments: [preprod, prod]"),
            "hubs.churn-lab.environments: have dev, which team vision may not use; use preprod, prod",
        ),
    ],
)
def test_a_hub_is_of_a_team_that_may_use_its_environments(tmp_path: Path, team: str, own: str, said: str) -> None:
    found = errors(written(tmp_path, team, own=own))

    assert any(said in error for error in found), found
