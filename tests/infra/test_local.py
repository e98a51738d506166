"""`infra.deploy` against the local Resource Manager: what is planned becomes a stack, once, and drift is found."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import __main__ as deploy
from infra.deploy import azure, settle
from infra.local import manager
from infra.local.__main__ import main as local_az
from tests.amounts import amount
from tests.emulators.managed import AGENT, Managed, refused

PROJECT = Path(__file__).parents[2]
VARIABLES = json.dumps({"team": "diabetes", "cost_center": "4711", "data_owner": "dana", "region": "westeurope"})
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TEAM = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlops-experiment"
WORKSPACE, ML_VERSION = f"{TEAM}/providers/Microsoft.MachineLearningServices/workspaces/mlw-experiment", "2026-05-01"
STACK = "signalbox-team-experiment"
ROLES_VERSION = "2022-04-01"
Run = Callable[..., tuple[int, str]]


class Died(BaseException):
    """The agent is gone; nothing catches it."""


def az(*arguments: str) -> Any:
    """As `infra.deploy.azure.az`, without a process."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        code = local_az([*arguments])
    if code:
        raise azure.AzureRefused(errors.getvalue().strip())
    return json.loads(output.getvalue()) if output.getvalue() else None


@pytest.fixture
def managed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Managed]:
    managed = Managed(tmp_path / "state")
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(managed.authority.ca))
    monkeypatch.setenv("SIGNALBOX_LOCAL_MANAGER", managed.address)
    monkeypatch.setenv("SIGNALBOX_LOCAL_SUBSCRIPTION", SUBSCRIPTION)
    monkeypatch.setattr(manager, "_token", lambda: managed.issuer.issue(managed.address, identity=AGENT))
    for group in ("rg-signalbox-prod", "rg-datahub", "rg-mlops-experiment"):
        managed.resources().resource_groups.create_or_update(group, {"location": "westeurope"})
    give_signing_keys(managed)
    yield managed
    managed.close()


def give_signing_keys(managed: Managed) -> None:
    """The vault that people make before the first deployment, with its keys."""
    platform = json.loads((PROJECT / "infra/parameters/open.json").read_text())["platform"]
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-signalbox-prod/providers/Microsoft.KeyVault/vaults"
    name = f"{vault}/{platform['signingVault']}"
    managed.kept().put(name, "2025-05-01", {"location": "westeurope", "properties": {}})
    for row in platform["signingKeys"]:
        managed.kept().put(f"{name}/keys/{row['key']}", "2025-05-01", {"properties": {"kty": "EC"}})


@pytest.fixture
def run(managed: Managed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    del managed
    monkeypatch.setattr(azure, "az", az)
    monkeypatch.chdir(PROJECT)
    installation = tmp_path / "installation.json"
    installation.write_text((PROJECT / "infra/parameters/open.json").read_text())

    def run(command: str, steps: str, digest: str = "", variables: str = VARIABLES) -> tuple[int, str]:
        """The exit code, and the digest of the plan."""
        options = ["--steps", steps, "--variables", variables, "--digest", digest, "--out", str(tmp_path)]
        code = deploy.main([command, str(installation), *options])
        return code, (tmp_path / "plan.sha256").read_text().strip()

    return run


def made(run: Run, *steps: str) -> None:
    for step in steps:
        assert run("apply", step, run("plan", step)[1])[0] == 0


def test_what_is_planned_becomes_a_stack_of_exactly_that_plan(managed: Managed, run: Run, tmp_path: Path) -> None:
    made(run, "platform", "hub")
    code, digest = run("plan", "team:experiment")
    planned = [line.split(" ")[1:3] for line in (tmp_path / "plan.txt").read_text().splitlines()]
    assert (code, {kind for kind, _ in planned}) == (0, {"Create"})
    assert run("drift", "team:experiment")[0] == 3

    assert run("apply", "team:experiment", digest)[0] == 0
    stack = managed.stacks().get_at_resource_group("rg-mlops-experiment", STACK)
    resources = {each.id for each in stack.properties.resources}
    assert (stack.properties.description, resources | {stack.id}) == (f"plan {digest}", {name for _, name in planned})
    assert run("drift", "team:experiment")[0] == 0
    assert (tmp_path / "plan.txt").read_text() == ""
    assert run("apply", "team:experiment", digest)[0] == 2  # What was approved is done, and no more approved.
    assert refused(managed.kept().delete, WORKSPACE, ML_VERSION) == (403, "DenyAssignmentAuthorizationFailed")


def test_other_variables_are_another_plan_and_show_in_the_tags(managed: Managed, run: Run) -> None:
    made(run, "platform", "hub")
    _, digest = run("plan", "team:experiment")
    other = VARIABLES.replace("4711", "4712")

    assert run("apply", "team:experiment", digest, other)[0] == 2
    made(run, "team:experiment")
    tags = managed.kept().get(WORKSPACE, ML_VERSION).tags
    assert (tags["team"], tags["costCenter"], tags["dataOwner"]) == ("diabetes", "4711", "dana")


def test_a_change_by_hand_is_drift_and_a_teardown_leaves_the_platform(
    managed: Managed, run: Run, tmp_path: Path
) -> None:
    made(run, "platform", "hub")
    assert managed.kept().names("rg-mlops-experiment") == []
    made(run, "team:experiment")
    managed.kept().patch(WORKSPACE, ML_VERSION, {"properties": {"publicNetworkAccess": "other"}})

    assert run("drift", "team:experiment")[0] == 3
    assert (tmp_path / "plan.txt").read_text() == (
        f"team:experiment: Modify {WORKSPACE} properties.publicNetworkAccess\n"
    )
    platform = managed.kept().names("rg-signalbox-prod")
    for _ in range(2):
        assert run("teardown", "team:experiment")[0] == 0
    assert managed.kept().names("rg-mlops-experiment") == []
    assert managed.kept().names("rg-signalbox-prod") == platform != []


@pytest.mark.long
def test_an_apply_that_dies_is_completed_by_another_plan_and_each_step_is_one_stack(
    managed: Managed, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies before and after each stack is made: what is there stays, and what is left is planned and approved."""
    made(run, "platform", "hub")
    steps, names = "team:experiment,team:dev", ("signalbox-team-experiment", "signalbox-team-dev")
    managed.resources().resource_groups.create_or_update("rg-mlops-dev", {"location": "westeurope"})
    tries, digests = Counter[tuple[str, str]](), list[str]()

    def deadly(*arguments: str) -> Any:
        is_stack = arguments[:3] == ("stack", "group", "create")
        name = arguments[arguments.index("--name") + 1] if is_stack else ""
        for moment in ("before", "after"):
            if moment == "after":
                answer = az(*arguments)
            tries[name, moment] += 1
            if is_stack and tries[name, moment] == 1:
                raise Died(f"{moment} {name}")
        return answer

    monkeypatch.setattr(azure, "az", deadly)
    for _ in range(2 * len(names)):
        digests.append(run("plan", steps)[1])
        with pytest.raises(Died):
            run("apply", steps, digests[-1])
    assert digests[0] == digests[1] != digests[2] == digests[3]  # Nothing had changed, and nobody is asked twice.
    for _ in range(amount(2, 1000)):
        assert run("drift", steps)[0] == 0
        assert run("apply", steps, digests[-1])[0] == 2

    groups = ("rg-mlops-experiment", "rg-mlops-dev")
    stacks = [stack for group in groups for stack in managed.stacks().list_at_resource_group(group)]
    assert [stack.name for stack in stacks] == list(names)
    assert [stack.properties.description for stack in stacks] == [f"plan {digests[0]}", f"plan {digests[2]}"]


def test_a_team_brings_the_roles_of_its_computes_on_the_hub(
    managed: Managed, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(run, "platform", "hub", "team:experiment")
    installation = json.loads((tmp_path / "installation.json").read_text())
    computes = installation["teams"]["experiment"]["computes"]

    stack = managed.stacks().get_at_resource_group("rg-mlops-experiment", STACK)
    roles = [each.id for each in stack.properties.resources if "/containers/" in each.id]
    assert {role.split("/containers/")[1].split("/")[0] for role in roles} == {"signalbox-staging"}
    principals = {managed.kept().get(role, ROLES_VERSION).properties["principalId"] for role in roles}
    assert len(principals) == len(roles) == len(computes) > 0
    for step in ("platform", "hub", "team:experiment"):
        assert run("drift", step)[0] == 0, (tmp_path / "plan.txt").read_text()
    assert run("teardown", "team:experiment")[0] == 0  # The hub's account is locked, and its roles with it.
    left = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left, since it is locked, ")]
    assert sorted(left) == sorted(f"left, since it is locked, {role}" for role in roles)
    assert managed.kept().names("rg-mlops-experiment") == []
    assert list(managed.stacks().list_at_resource_group("rg-mlops-experiment")) == []
    assert run("drift", "hub")[0] == 0, (tmp_path / "plan.txt").read_text()


def test_what_a_template_does_not_name_any_more_is_in_the_plan_and_stays(
    managed: Managed, run: Run, tmp_path: Path
) -> None:
    made(run, "platform", "hub", "team:experiment")
    installation = tmp_path / "installation.json"
    content = json.loads(installation.read_text())
    removed = content["teams"]["experiment"]["computes"].pop()["name"]
    installation.write_text(json.dumps(content))

    _, digest = run("plan", "team:experiment")
    lines = (tmp_path / "plan.txt").read_text().splitlines()
    assert f"team:experiment: Detach {WORKSPACE}/computes/{removed}" in lines
    assert run("apply", "team:experiment", digest)[0] == 0
    assert managed.kept().stands(f"{WORKSPACE}/computes/{removed}", ML_VERSION)
    assert run("drift", "team:experiment")[0] == 0


def test_a_connection_is_trusted_once(managed: Managed, run: Run) -> None:
    del run
    identity = f"{TEAM}/providers/{manager.IDENTITY}/id"
    managed.kept().put(identity, "2024-11-30", {"location": "westeurope", "properties": {"clientId": "c1"}})
    managed.kept().put(f"{identity}-of-the-app", "2024-11-30", {"location": "westeurope"})
    row = {"name": "diabetes-dev", "client": "c1", "issuer": "https://issuer", "subject": "sc://dev"}
    for _ in range(2):
        assert settle.main(json.dumps([row])) == 0

    place = ("--identity-name", "id", "--resource-group", "rg-mlops-experiment")
    (credential,) = az("identity", "federated-credential", "list", *place)
    assert (credential["issuer"], credential["subject"]) == ("https://issuer", "sc://dev")
    with pytest.raises(azure.AzureRefused, match="no identity with the client id c2"):
        settle.main(json.dumps([row | {"client": "c2"}]))


def test_an_installation_of_another_team_is_refused() -> None:
    text = json.dumps({"team": "others", "location": "x", "tags": {}})
    with pytest.raises(ValueError, match="is of others, and the request of diabetes"):
        deploy.with_variables(text, VARIABLES)


def test_a_step_that_is_not_there_is_no_empty_plan(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "plan.sha256").write_text("")
    assert run("plan", "team:experiment,team:nowhere")[0] == 2
    assert "team:nowhere is no step; use platform, hub, team:experiment" in capsys.readouterr().err


def test_what_is_not_imitated_is_refused(run: Run) -> None:
    del run
    with pytest.raises(azure.AzureRefused, match="'group delete x' is not imitated on one machine"):
        az("group", "delete", "--name", "x")
