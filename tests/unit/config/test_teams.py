"""A configuration that is split by team: how its files are one, and what keeps the teams apart."""

import re
from pathlib import Path

import pytest

from shared.config import check, load
from shared.domain.configuration import Configuration
from shared.domain.teams.ownership import PLATFORM, Belonging, Scope
from shared.domain.teams.views import (
    configuration_seen_by,
    owner_of_endpoint,
    owner_of_folder,
    owner_of_path,
)
from shared.operations.project_facts import project_facts
from tests.two_teams import CONTRACT, team_file, write_two_teams
from tests.two_teams import PLATFORM as PLATFORM_FILE


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return load(write_two_teams(tmp_path_factory.mktemp("teams")))


def errors(path: Path) -> list[str]:
    return [finding.placed(path.name) for finding in check(path) if finding.level == "error"]


class TestOneConfiguration:
    def test_all_files_are_one_and_each_name_has_its_owner(self, configuration: Configuration) -> None:
        assert [route.name for route in configuration.routes] == ["churn-daily", "vision-daily"]
        owners = {
            (kind, name): configuration.team_of(kind, name)
            for team in ("churn", "vision")
            for kind, name in (
                (Belonging.ROUTE, f"{team}-daily"),
                (Belonging.STREAM, f"{team}-records"),
                (Belonging.SCHEDULE, f"{team}-nightly"),
                (Belonging.STAGE, f"{team}-preprod"),
                (Belonging.DATASET, f"{team}-set"),
            )
        }
        assert {owner for (_, name), owner in owners.items() if name.startswith("churn")} == {"churn"}
        assert {owner for (_, name), owner in owners.items() if name.startswith("vision")} == {"vision"}
        assert configuration.team_of(Belonging.MODEL, "leavers") == "churn"
        assert configuration.team_of(Belonging.MODEL, "nobody's") == PLATFORM

    def test_paths_are_relative_to_the_file_that_has_them(self, configuration: Configuration) -> None:
        contracts = {route.name: route.contract for route in configuration.routes}

        assert contracts == {"churn-daily": "projects/churn/contract.yaml", "vision-daily": "projects/contract.yaml"}

    def test_a_stage_has_the_rules_of_the_platform_and_the_endpoints_of_the_team(
        self, configuration: Configuration
    ) -> None:
        stages = {stage.name: stage for stage in configuration.ladder.stages}

        assert stages["churn-production"].serving.online == "churn-online"
        assert stages["churn-production"].source == "churn-central"
        assert stages["churn-production"].rollout is not None
        assert stages["churn-preprod"].source == "dev"
        assert [rules.promote_to for rules in configuration.retraining] == ["churn-preprod", "vision-preprod"]

    def test_a_role_that_the_platform_leaves_open_is_filled_by_the_team_of_the_model(
        self, configuration: Configuration
    ) -> None:
        stages = {stage.name: stage for stage in configuration.ladder.stages}
        owner, security = stages["vision-central"].approvals.roles

        assert (owner.name, owner.group) == ("product-owner", "vision-owners")
        assert security.app_role == "Security"

    def test_the_package_has_the_files_of_every_team(self, tmp_path: Path) -> None:
        facts = project_facts(write_two_teams(tmp_path))

        assert facts["files"] == [
            "projects/churn/contract.yaml",
            "projects/churn/signalbox.yaml",
            "projects/contract.yaml",
            "projects/vision.yaml",
        ]

    def test_a_project_gate_of_a_team_lies_beside_its_own_file(self, tmp_path: Path) -> None:
        gate = "  preprod: {serve: {online: churn-preprod}, exit: {'gates.py:enough': {needs: [at]}}}"
        path = write_two_teams(
            tmp_path, churn=team_file("churn").replace("  preprod: {serve: {online: churn-preprod}}", gate)
        )
        (path.parent / "projects/churn/gates.py").write_text("def enough(evidence, options):\n    return True, ''\n")

        assert errors(path) == []
        stage = next(stage for stage in load(path).ladder.stages if stage.name == "churn-preprod")
        assert {spec.gate for spec in stage.exit_gates} == {
            "golden_requests_match",
            "projects/churn/gates.py:enough",
        }

    def test_a_stage_that_trains_keeps_the_name_of_its_environment_as_the_source_of_the_next(
        self, tmp_path: Path
    ) -> None:
        platform = PLATFORM_FILE.replace(
            "team_ladder:\n", "team_ladder:\n  dev: {from: preprod, environment: dev}\n"
        ).replace("  preprod:\n    from: dev", "  qa:\n    from: dev")
        platform = platform.replace("    from: preprod\n    registry", "    from: qa\n    registry")
        train = "{pipeline: {job: 'train:1'}, data: {rows: {path: landing/vision-train, datastore: hub}}}"
        own = team_file("vision").replace(
            "  preprod: {serve: {online: vision-preprod}}",
            "  dev: {serve: {online: vision-dev}, exit: {api_test_passed: {}}, train: {defects: " + train + "}}\n"
            "  qa: {serve: {online: vision-preprod}}",
        )
        own = own.replace("promote_to: preprod", "promote_to: qa")
        churn = (
            team_file("churn")
            .replace("  preprod: {serve", "  qa: {serve")
            .replace("promote_to: preprod", "promote_to: qa")
        )

        path = write_two_teams(tmp_path, platform=platform, churn=churn, vision=own)

        assert errors(path) == []
        sources = {stage.name: stage.source for stage in load(path).ladder.stages}
        assert sources["vision-qa"] == "dev"
        assert sources["vision-dev"] == "preprod"

    @pytest.mark.parametrize("holdout", ["common-set@1", "{team}-set@1/rows.csv"])
    def test_a_hold_out_may_be_of_the_platform_or_of_the_own_team(self, tmp_path: Path, holdout: str) -> None:
        platform = PLATFORM_FILE + "datasets:\n  common-set: {purpose: test}\n"
        files = {
            team: team_file(team).replace(f"evaluation/{team}/holdout.csv", f'"{holdout.format(team=team)}"')
            for team in ("churn", "vision")
        }
        path = write_two_teams(tmp_path, platform=platform, **files)

        assert errors(path) == []
        assert load(path).team_of(Belonging.DATASET, "common-set") == PLATFORM

    def test_a_team_is_warned_of_a_file_as_its_hold_out_by_its_own_data_sets_alone(self, tmp_path: Path) -> None:
        vision = re.sub("datasets:\n.*\n", "", team_file("vision"))
        findings = check(write_two_teams(tmp_path, vision=vision))

        warnings = [finding.field for finding in findings if "file that can be replaced" in finding.problem]
        assert warnings == ["models.leavers.promotion.holdout.path"]


class TestFindings:
    """Every error of every file at once, with its file, line and column."""

    @pytest.mark.parametrize(
        ("churn", "vision", "platform", "finding"),
        [
            pytest.param(
                ("  churn-daily:", "  vision-daily:"),
                None,
                None,
                r"projects/vision\.yaml:\d+:3: routes\.vision-daily: is in projects/churn/signalbox\.yaml:\d+:3 too",
                id="route",
            ),
            pytest.param(
                ("  leavers:", "  defects:"),
                None,
                None,
                r"projects/vision\.yaml:\d+:3: models\.defects: is in projects/churn/signalbox\.yaml:3:3 too",
                id="model",
            ),
            pytest.param(
                None,
                ("endpoint: vision-batch", "endpoint: churn-batch"),
                None,
                r"projects/vision\.yaml:\d+:\d+: routes\.vision-daily\.score\.endpoint: is 'churn-batch', an endpoint "
                r"of team churn \(projects/churn/signalbox\.yaml:\d+:\d+\)",
                id="endpoint",
            ),
            pytest.param(
                None,
                ("{online: vision-online}", "{online: churn-online}"),
                None,
                r"projects/vision\.yaml:\d+:\d+: ladder\.production\.serve\.online: is 'churn-online', an endpoint",
                id="endpoint of a stage",
            ),
            pytest.param(
                ("publish: predictions/churn/{run}", "publish: predictions/churn/{run}\n    register: {asset: seen}"),
                ("publish: predictions/vision/{run}", "publish: predictions/vision/{run}\n    register: {asset: seen}"),
                None,
                r"routes\.vision-daily\.register\.asset: is 'seen', a data asset of team churn \(projects/churn/",
                id="data asset",
            ),
            pytest.param(
                None,
                ("take: landing/vision/{name}.csv", "take: landing/{team}/{name}.csv"),
                None,
                r"projects/vision\.yaml:\d+:5: routes\.vision-daily\.take: means files that belong to team churn "
                r"\(projects/churn/signalbox\.yaml:\d+:5\), such as 'landing/churn/",
                id="take",
            ),
            pytest.param(
                None,
                ("publish: predictions/vision/{run}", "publish: predictions/churn/{run}"),
                None,
                r"projects/vision\.yaml:\d+:5: routes\.vision-daily\.publish: means files that belong to team churn",
                id="publish",
            ),
            pytest.param(
                None,
                ("path: evaluation/vision/holdout.csv", "path: landing/churn/holdout.csv"),
                None,
                r"models\.defects\.promotion\.holdout\.path: means files that belong to team churn",
                id="hold-out",
            ),
            pytest.param(
                None,
                ("path: evaluation/vision/holdout.csv", "path: churn-set@1"),
                None,
                r"projects/vision\.yaml:\d+:\d+: models\.defects\.promotion\.holdout\.path: is 'churn-set', which "
                r"belongs to team churn \(projects/churn/signalbox\.yaml:\d+:3\)",
                id="hold-out of another's data set",
            ),
            pytest.param(
                ("  churn-set:", "  vision-set:"),
                None,
                None,
                r"projects/vision\.yaml:\d+:3: datasets\.vision-set: is in projects/churn/signalbox\.yaml:\d+:3 too",
                id="data set",
            ),
            pytest.param(
                None,
                ("purpose: test, environments: [dev]", "purpose: test, environments: [prod]"),
                ("environments: [dev, preprod, prod]", "environments: [dev, preprod]"),
                r"projects/vision\.yaml:\d+:\d+: datasets\.vision-set\.environments: is 'prod'; use dev, preprod",
                id="environment of a data set",
            ),
            pytest.param(
                None,
                ("retrain: defects", "retrain: leavers"),
                None,
                r"schedules\.vision-nightly\.retrain: is 'leavers', which belongs to team churn "
                r"\(projects/churn/signalbox\.yaml:3:3\)",
                id="schedule of another's model",
            ),
            pytest.param(
                None,
                ('model: "defects:1"', 'model: "leavers:1"'),
                None,
                r"routes\.vision-daily\.score\.model: is 'leavers', which belongs to team churn",
                id="another's model",
            ),
            pytest.param(
                None,
                ("promote_to: preprod", "promote_to: churn-preprod"),
                None,
                r"models\.defects\.retraining\.promote_to: is 'churn-preprod', which belongs to team churn",
                id="another's stage",
            ),
            pytest.param(
                None,
                ("roles:\n", "roles:\n  security: {people: [eve@example.org]}\n"),
                None,
                r"projects/vision\.yaml:\d+:3: roles\.security: is in signalbox\.yaml:\d+:3 too",
                id="role of the platform",
            ),
            pytest.param(
                None,
                ("  vision-pipeline:", "  command-line:"),
                None,
                r"projects/vision\.yaml:\d+:3: machines\.command-line: is in signalbox\.yaml:\d+:3 too",
                id="machine of the platform",
            ),
            pytest.param(
                None,
                ("models:\n", "hub: {account: mine}\nmodels:\n"),
                None,
                r"projects/vision\.yaml:2:1: hub: belongs to the platform's file; write it in signalbox\.yaml",
                id="section of the platform",
            ),
            pytest.param(
                None,
                ("models:\n", "modls: {}\nmodels:\n"),
                None,
                r"projects/vision\.yaml:2:1: modls: is not a field of a team's file; did you mean 'models'\?",
                id="no section",
            ),
            pytest.param(
                None,
                ("{online: vision-online}}", "{online: vision-online}, approvals: {nobody_is_asked: true}}"),
                None,
                r"projects/vision\.yaml:\d+:\d+: ladder\.production\.approvals: belongs to the platform's stage",
                id="approvals of the platform",
            ),
            pytest.param(
                None,
                ("{online: vision-online}}", "{online: vision-online}, exit: {golden_requests_match: {}}}"),
                None,
                r"ladder\.production\.exit\.golden_requests_match: is in signalbox\.yaml:\d+:\d+ too",
                id="gate of the platform",
            ),
            pytest.param(
                None,
                ("  production:", "  prodution:"),
                None,
                r"ladder\.prodution: is no stage of `team_ladder` in signalbox\.yaml; did you mean 'production'\?",
                id="no stage",
            ),
            pytest.param(
                None,
                ("endpoint: vision-batch", "endpoint: 7"),
                None,
                r"projects/vision\.yaml:\d+:\d+: routes\.vision-daily\.score\.endpoint: is 7",
                id="wrong value",
            ),
            pytest.param(
                None,
                ("group: vision-owners", "groop: vision-owners"),
                None,
                r"projects/vision\.yaml:\d+:\d+: roles\.product-owner\.groop: is not a field here",
                id="wrong field of a role",
            ),
            pytest.param(
                None,
                ("as: [data-scientist]", "as: [platform-engineer]"),
                None,
                r"projects/vision\.yaml:\d+:\d+: machines\.vision-pipeline\.as: names 'platform-engineer'",
                id="machine as a role of the platform",
            ),
            pytest.param(
                None,
                ("contract: contract.yaml\n    promotion", "contract: ../churn.yaml\n    promotion"),
                None,
                r"models\.defects\.contract: is '\.\./churn\.yaml', outside the configuration's folder",
                id="contract of another folder",
            ),
            pytest.param(
                None,
                None,
                ("environments: [dev, preprod, prod]", "environments: [dev, preprod]"),
                r"projects/vision\.yaml:\d+:\d+: ladder\.production\.serve: is 'prod'; use dev, preprod, or ask",
                id="environment",
            ),
            pytest.param(
                None,
                None,
                ("file: projects/vision.yaml", "file: projects/visions.yaml"),
                r"signalbox\.yaml:\d+:\d+: teams\.vision\.file: is 'projects/visions\.yaml', which is not a file",
                id="no file",
            ),
            pytest.param(
                None,
                None,
                ("file: projects/vision.yaml", "file: ../vision.yaml"),
                r"teams\.vision\.file: is '\.\./vision\.yaml', outside the configuration's folder",
                id="file outside",
            ),
            pytest.param(
                None,
                None,
                ("file: projects/vision.yaml", "file: projects/churn/signalbox.yaml"),
                r"teams\.vision\.file: is 'projects/churn/signalbox\.yaml', the file of team churn",
                id="one file twice",
            ),
            pytest.param(
                None,
                None,
                ("runs_at_once: 2", "runs_at_once: 0"),
                r"signalbox\.yaml:\d+:\d+: teams\.churn\.quotas\.runs_at_once: is 0",
                id="quota",
            ),
            pytest.param(
                None,
                None,
                ("retrainings_a_day: 3", "training_hours: 3"),
                r"models\.leavers\.retraining\.cost: says no hours, and quota teams\.churn\.quotas\.training_hours",
                id="quota of unknown hours",
            ),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(self, tmp_path, churn, vision, platform, finding) -> None:
        def changed(text: str, change: tuple[str, str] | None) -> str:
            assert change is None or change[0] in text
            return text if change is None else text.replace(*change)

        path = write_two_teams(
            tmp_path,
            platform=changed(PLATFORM_FILE, platform),
            churn=changed(team_file("churn"), churn),
            vision=changed(team_file("vision"), vision),
        )

        assert any(re.match(f"({finding})|(.*: {finding})", error) for error in errors(path)), errors(path)

    def test_all_errors_of_all_files_come_at_once(self, tmp_path: Path) -> None:
        path = write_two_teams(
            tmp_path,
            platform=PLATFORM_FILE.replace("account: datahub", "account: 7"),
            churn=team_file("churn").replace("cron: 30 2 * * *", "cron: 99 2 * * *"),
            vision=team_file("vision").replace("endpoint: vision-batch", "endpoint: 7"),
        )
        (path.parent / "projects/contract.yaml").write_text(CONTRACT.replace("csv", "xml"))

        files = {error.partition(":")[0] for error in errors(path)}

        assert files == {
            "signalbox.yaml",
            "projects/churn/signalbox.yaml",
            "projects/vision.yaml",
            "projects/contract.yaml",
        }

    def test_teams_ask_for_permissions_of_the_platform(self, tmp_path: Path) -> None:
        start, _, end = PLATFORM_FILE.partition("permissions:\n")
        platform = start + end.partition("machines:\n")[2].partition("\n")[2]

        path = write_two_teams(tmp_path, platform=platform)

        assert any("permissions: is missing, and the default personas would see" in error for error in errors(path))

    def test_a_file_that_is_no_yaml_is_said_and_the_others_are_read(self, tmp_path: Path) -> None:
        path = write_two_teams(
            tmp_path, churn="models: {\n", vision=team_file("vision").replace("endpoint: vision-batch", "endpoint: 7")
        )

        assert any(error.startswith("projects/churn/signalbox.yaml:2: file: is not YAML") for error in errors(path))
        assert any("routes.vision-daily.score.endpoint: is 7" in error for error in errors(path))

    @pytest.mark.parametrize("section", ["routes", "models", "ladder", "roles", "permissions", "schedules"])
    def test_a_section_that_is_no_mapping_is_said(self, tmp_path: Path, section: str) -> None:
        path = write_two_teams(tmp_path, vision=f"{section}: 7\n")

        assert f"projects/vision.yaml:1:1: {section}: is 7; write a mapping" in errors(path)

    def test_no_finding_of_one_file_has_a_column(self, tmp_path: Path) -> None:
        path = tmp_path / "signalbox.yaml"
        path.write_text("hub: {account: datahub}\nroutes: {}\nenvironments: 7\n")

        assert errors(path) == ["signalbox.yaml:3: environments: is 7; write a mapping"]


class TestWhatATeamSees:
    def test_nothing_but_its_own(self, configuration: Configuration) -> None:
        seen = configuration_seen_by(configuration, Scope(teams=frozenset({"vision"})))

        assert "churn" not in repr(seen)
        assert "leavers" not in repr(seen)
        assert [route.name for route in seen.routes] == ["vision-daily"]
        assert {persona.team for persona in seen.permissions.personas} == {PLATFORM, "vision"}

    def test_everything_inside_the_whole_scope(self, configuration: Configuration) -> None:
        assert configuration_seen_by(configuration, Scope(whole=True)) is configuration

    def test_nothing_without_a_team(self, configuration: Configuration) -> None:
        seen = configuration_seen_by(configuration, Scope())

        assert (seen.routes, seen.ladder.stages, seen.schedules, seen.workspaces) == ((), (), (), ())

    @pytest.mark.parametrize(
        ("location", "owner"),
        [
            ("landing/churn/a.csv", "churn"),
            ("landing/vision/a.csv", "vision"),
            ("training/vision/a.csv", "vision"),
            ("evaluation/vision/holdout.csv", "vision"),
            ("evaluation/vision/other.csv", PLATFORM),
            ("landing/other/a.csv", PLATFORM),
            ("landing/churn/deep/a.csv", PLATFORM),
        ],
    )
    def test_a_file_belongs_to_the_team_that_takes_it(self, configuration: Configuration, location, owner) -> None:
        assert owner_of_path(configuration, location) == owner

    @pytest.mark.parametrize(
        ("folder", "owner"),
        [
            *(("landing/churn/", "churn"), ("training/vision/", "vision"), ("evaluation/churn/", "churn")),
            *(("landing/", PLATFORM), ("evaluation/", PLATFORM), ("other/", PLATFORM)),
        ],
    )
    def test_a_folder_belongs_to_the_one_team_whose_files_can_lie_in_it(
        self, configuration: Configuration, folder, owner
    ) -> None:
        assert owner_of_folder(configuration, folder) == owner

    @pytest.mark.parametrize(
        ("environment", "endpoint", "owner"),
        [
            ("dev", "churn-batch", "churn"),
            ("prod", "vision-online", "vision"),
            ("preprod", "vision-online", PLATFORM),
            ("prod", "none", PLATFORM),
        ],
    )
    def test_an_endpoint_belongs_to_the_team_that_names_it(
        self, configuration: Configuration, environment, endpoint, owner
    ) -> None:
        assert owner_of_endpoint(configuration, environment, endpoint) == owner
