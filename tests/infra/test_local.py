"""`infra.deploy` against the Azure of one machine: what is planned is applied, once, and drift is found."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import __main__ as deploy
from infra.deploy import azure, settle
from infra.local.__main__ import main as local_az

PROJECT = Path(__file__).parents[2]
VARIABLES = json.dumps({"team": "diabetes", "cost_center": "4711", "data_owner": "dana", "region": "westeurope"})
IDENTITY = {"name": "id", "resourceGroup": "rg", "clientId": "c1"}
Run = Callable[..., tuple[int, str]]


def az(*arguments: str) -> Any:
    """As `infra.deploy.azure.az`, without a process."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        code = local_az([*arguments])
    if code:
        raise azure.AzureRefused(errors.getvalue().strip())
    return json.loads(output.getvalue()) if output.getvalue() else None


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SIGNALBOX_LOCAL_AZURE", str(tmp_path / "azure.json"))
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


def test_what_is_planned_is_applied_and_a_second_run_is_empty(run: Run, tmp_path: Path) -> None:
    made(run, "platform", "hub-account")
    code, digest = run("plan", "team:experiment")
    assert (code, "Create" in (tmp_path / "plan.txt").read_text()) == (0, True)
    assert run("drift", "team:experiment")[0] == 3

    assert run("apply", "team:experiment", digest)[0] == 0
    assert run("drift", "team:experiment")[0] == 0
    assert (tmp_path / "plan.txt").read_text() == ""
    assert run("apply", "team:experiment", digest)[0] == 2  # What was approved is done, and no more approved.


def test_other_variables_are_another_plan_and_show_in_the_tags(run: Run, tmp_path: Path) -> None:
    made(run, "platform", "hub-account")
    _, digest = run("plan", "team:experiment")
    other = VARIABLES.replace("4711", "4712")

    assert run("apply", "team:experiment", digest, other)[0] == 2
    made(run, "team:experiment")
    content = json.loads((tmp_path / "azure.json").read_text())
    tags = [body["tags"] for name, body in content["resources"].items() if name.endswith("/mlw-experiment")]
    assert [(each["team"], each["costCenter"], each["dataOwner"]) for each in tags] == [("diabetes", "4711", "dana")]


def test_a_change_by_hand_is_drift_and_a_teardown_leaves_the_platform(run: Run, tmp_path: Path) -> None:
    made(run, "platform", "hub-account")
    before = set(json.loads((tmp_path / "azure.json").read_text())["resources"])
    made(run, "team:experiment")
    content = json.loads((tmp_path / "azure.json").read_text())
    name = next(name for name in content["resources"] if name.endswith("/mlw-experiment"))
    content["resources"][name]["properties"]["publicNetworkAccess"] = "other"
    (tmp_path / "azure.json").write_text(json.dumps(content))

    assert run("drift", "team:experiment")[0] == 3
    assert (tmp_path / "plan.txt").read_text().endswith(f"Modify {name} properties.publicNetworkAccess\n")
    for _ in range(2):
        assert run("teardown", "team:experiment")[0] == 0
    assert set(json.loads((tmp_path / "azure.json").read_text())["resources"]) == before


def test_a_connection_is_trusted_once(run: Run, tmp_path: Path) -> None:
    del run
    (tmp_path / "azure.json").write_text(json.dumps({"identities": [IDENTITY]}))
    row = {"name": "diabetes-dev", "client": "c1", "issuer": "https://issuer", "subject": "sc://dev"}
    for _ in range(2):
        assert settle.main(json.dumps([row])) == 0

    credentials = json.loads((tmp_path / "azure.json").read_text())["credentials"]
    assert credentials == {"id": [{"name": "diabetes-dev", "issuer": "https://issuer", "subject": "sc://dev"}]}
    with pytest.raises(azure.AzureRefused, match="no identity with the client id c2"):
        settle.main(json.dumps([row | {"client": "c2"}]))


def test_an_installation_of_another_team_is_refused() -> None:
    text = json.dumps({"team": "others", "location": "x", "tags": {}})
    with pytest.raises(ValueError, match="is of others, and the request of diabetes"):
        deploy.with_variables(text, VARIABLES)


def test_what_is_not_imitated_is_refused(run: Run) -> None:
    del run
    with pytest.raises(azure.AzureRefused, match="'group delete x' is not imitated on one machine"):
        az("group", "delete", "--name", "x")
