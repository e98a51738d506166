"""The set-up of a team by REST: made once, looked at without a write, and what is another is said and left."""

from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.azure_devops.attachments import AzureDevOpsFiles
from shared.adapters.azure_devops.client import DevOpsRest
from shared.adapters.azure_devops.set_up import AzureDevOpsSetUp
from shared.domain.failures import Refused
from shared.domain.provisioning.set_up import WantedConnection, WantedEnvironment, WantedSetUp
from tests.devops.ado import Ado

PROJECT = "mlops"


def wanted(team: str) -> WantedSetUp:
    return WantedSetUp(
        organisation="contoso",
        project=PROJECT,
        mark=f"signalbox {team}/productionisation",
        environments=(WantedEnvironment(name=f"{team}-dev", approvers=("leads",), branch="refs/heads/main"),),
        connections=(
            WantedConnection(name=f"{team}-dev", subscription="s", client="c", tenant="t", branch="refs/heads/main"),
        ),
        group=f"{team}-productionisation",
        variables=(("region", "westeurope"), ("team", team)),
        repository=team,
    )


def posts(ado: Ado) -> int:
    return int(ado.control("state")["effects"]["requests"].get("POST", 0))


def test_what_is_missing_is_made_once_and_looked_at_without_a_write(ado: Ado, rest: DevOpsRest) -> None:
    adapter, all_of_it = AzureDevOpsSetUp(rest), wanted("makers")
    before = adapter.look(all_of_it)
    assert before.made == ()
    assert "environment makers-dev is missing" in before.differences

    made = adapter.ensure(all_of_it)
    assert made.made == (
        "environment makers-dev",
        "branch control of environment makers-dev",
        "approval of environment makers-dev",
        "connection makers-dev",
        "branch control of connection makers-dev",
        "variable group makers-productionisation",
        "repository makers",
    )
    sent = posts(ado)
    again, looked = adapter.ensure(all_of_it), adapter.look(all_of_it)
    assert (again.made, again.differences, looked.differences) == ((), (), ())
    assert posts(ado) == sent
    (federation,) = looked.federations
    assert federation.issuer == "https://login.microsoftonline.com/t/v2.0"
    assert federation.subject.startswith("/eid1/c/pub/contoso/")


def test_a_resource_that_somebody_opens_to_every_pipeline_is_said(ado: Ado, rest: DevOpsRest) -> None:
    adapter, all_of_it = AzureDevOpsSetUp(rest), wanted("openers")
    adapter.ensure(all_of_it)
    (endpoint,) = [row for row in ado.control("state")["endpoint"] if row["name"] == "openers-dev"]
    url = rest.url("contoso", PROJECT, "_apis", "pipelines", "pipelinepermissions", "endpoint", endpoint["id"])
    rest.send("PATCH", url, "open it", json={"allPipelines": {"authorized": True}})

    assert adapter.look(all_of_it).differences == ("connection openers-dev is open to every pipeline",)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (
            {
                "environments": (
                    WantedEnvironment(name="others-dev", approvers=("leads", "heads"), branch="refs/heads/main"),
                )
            },
            "the approval of environment others-dev is not as ordered",
        ),
        (
            {"environments": (WantedEnvironment(name="others-dev", approvers=("leads",), branch="refs/heads/x"),)},
            "the branch control of environment others-dev is not as ordered",
        ),
        (
            {"variables": (("region", "northeurope"),)},
            "variable group others-productionisation has other values than ordered",
        ),
        (
            {
                "connections": (
                    WantedConnection(
                        name="others-dev", subscription="s2", client="c", tenant="t", branch="refs/heads/main"
                    ),
                )
            },
            "connection others-dev is as c of s by WorkloadIdentityFederation, and not as ordered",
        ),
    ],
)
def test_what_is_there_and_is_another_is_said_and_left(
    ado: Ado, rest: DevOpsRest, change: dict[str, Any], difference: str
) -> None:
    adapter = AzureDevOpsSetUp(rest)
    adapter.ensure(wanted("others"))
    sent = posts(ado)
    seen = adapter.ensure(replace(wanted("others"), **change))

    assert (seen.made, seen.differences) == ((), (difference,))
    assert posts(ado) == sent


def test_a_project_that_is_not_there_is_refused(rest: DevOpsRest) -> None:
    with pytest.raises(Refused, match="make it, with its people, first"):
        AzureDevOpsSetUp(rest).look(replace(wanted("none"), project="nowhere"))


class Elsewhere:
    """A client whose organisation says that an attachment lies at another host."""

    def __init__(self, rest: DevOpsRest, href: str) -> None:
        self._rest, self._href = rest, href
        self.sent = list[str]()

    def url(self, *parts: Any) -> str:
        return self._rest.url(*parts)

    def get(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"value": [{"name": "plan.txt", "_links": {"self": {"href": self._href}}}]}

    def send(self, method: str, url: str, *_: Any, **__: Any) -> None:
        self.sent.append(url)


@pytest.mark.parametrize("path", ["https://evil.example/contoso/x", "http://localhost/contoso/x", "/contosox/y", ""])
def test_no_token_goes_where_an_attachment_says_that_it_lies(rest: DevOpsRest, path: str) -> None:
    href = path if path.startswith("http") or not path else f"{rest.base}{path}"
    client = Elsewhere(rest, href)
    with pytest.raises(Refused, match="which is not Azure DevOps"):
        AzureDevOpsFiles(client).attached("contoso", PROJECT, 1, "signalbox")  # type: ignore[arg-type]
    assert client.sent == []
