"""The set-up of a team by REST: made once, looked at without a write, and what is another is said and left."""

from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.azure_devops.attachments import AzureDevOpsFiles
from shared.adapters.azure_devops.client import DevOpsRest
from shared.adapters.azure_devops.repositories import Repositories, starting_project
from shared.adapters.azure_devops.set_up import AzureDevOpsSetUp
from shared.domain.failures import Refused
from shared.domain.provisioning.set_up import WantedConnection, WantedEnvironment, WantedRepository, WantedSetUp
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
        repository=WantedRepository(
            name=team, organisation="contoso", owner="dana@example.org", branch="refs/heads/main", mark="signalbox"
        ),
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
        "first commit of repository makers",
    )
    sent = posts(ado)
    again, looked = adapter.ensure(all_of_it), adapter.look(all_of_it)
    assert (again.made, again.differences, looked.differences) == ((), (), ())
    assert posts(ado) == sent
    (federation,) = looked.federations
    assert federation.issuer == "https://login.microsoftonline.com/t/v2.0"
    assert federation.subject.startswith("/eid1/c/pub/contoso/")


def item(rest: DevOpsRest, repository: str, path: str) -> str:
    url = rest.url("contoso", PROJECT, "_apis", "git", "repositories", repository, "items")
    return str((rest.get(url, "read it", path=path) or {}).get("content", ""))


def push(rest: DevOpsRest, repository: str, old: str, *changes: dict[str, Any]) -> int:
    url = rest.url("contoso", PROJECT, "_apis", "git", "repositories", repository, "pushes")
    commits = [{"comment": "by hand", "changes": list(changes)}]
    body = {"refUpdates": [{"name": "refs/heads/main", "oldObjectId": old}], "commits": commits}
    return rest.send("POST", url, "push it", accept=(201, 400, 404, 409), json=body).status_code


def test_a_repository_begins_as_a_project_of_the_team_and_is_the_teams_from_then_on(ado: Ado, rest: DevOpsRest) -> None:
    adapter, all_of_it = AzureDevOpsSetUp(rest), wanted("wine-makers")
    adapter.ensure(all_of_it)
    expected = starting_project().filled("wine-makers", "contoso", "dana@example.org")
    assert {path: item(rest, "wine-makers", f"/{path}") for path in expected} == expected

    url = rest.url("contoso", PROJECT, "_apis", "git", "repositories", "wine-makers", "refs")
    (head,) = (rest.get(url, "list the branches", filter="heads/main") or {})["value"]
    edit = {"item": {"path": "/README.md"}, "newContent": {"content": "ours", "contentType": "rawtext"}}
    assert push(rest, "wine-makers", head["objectId"], {"changeType": "edit", **edit}) == 201
    again, looked = adapter.ensure(all_of_it), adapter.look(all_of_it)
    assert (again.made, again.differences, looked.differences) == ((), (), ())
    assert item(rest, "wine-makers", "/README.md") == "ours"


def test_an_empty_repository_is_a_difference_and_is_filled(ado: Ado, rest: DevOpsRest) -> None:
    """As one stands that a host left behind which died between making and filling it."""
    adapter, all_of_it = AzureDevOpsSetUp(rest), wanted("deserters")
    home = rest.url("contoso", PROJECT, "_apis", "git", "repositories")
    rest.send("POST", home, "make it", accept=(201,), json={"name": "deserters"})
    assert "repository deserters has no refs/heads/main" in adapter.look(all_of_it).differences

    made = adapter.ensure(all_of_it).made
    assert (made[-1], "repository deserters" in made) == ("first commit of repository deserters", False)
    assert adapter.look(all_of_it).differences == ()


def test_of_two_that_push_at_once_one_begins_it(ado: Ado, rest: DevOpsRest) -> None:
    all_of_it = wanted("racers")
    home = rest.url("contoso", PROJECT, "_apis", "git", "repositories")
    made = rest.send("POST", home, "make it", accept=(201,), json={"name": "racers"}).json()
    repositories = Repositories(rest, home)

    first, second = (repositories.begin(made["id"], all_of_it.repository) for _ in range(2))
    assert (first, second) == (True, False)
    assert ado.control("state")["effects"]["pushes"]["racers"] == 1


def test_a_push_is_refused_as_azure_devops_does(ado: Ado, rest: DevOpsRest) -> None:
    home = rest.url("contoso", PROJECT, "_apis", "git", "repositories")
    rest.send("POST", home, "make it", accept=(201,), json={"name": "pushers"})
    content = {"newContent": {"content": "x", "contentType": "rawtext"}}
    add = {"changeType": "add", "item": {"path": "/a"}, **content}

    assert push(rest, "pushers", "1" * 40, add) == 409
    assert push(rest, "pushers", "0" * 40) == 400
    assert push(rest, "pushers", "0" * 40, add, add) == 400
    assert push(rest, "pushers", "0" * 40, {**add, "item": {"path": "a"}}) == 400
    assert push(rest, "pushers", "0" * 40, {**add, "changeType": "edit"}) == 400
    assert push(rest, "nobody", "0" * 40, add) == 404
    assert push(rest, "pushers", "0" * 40, add) == 201
    assert push(rest, "pushers", "0" * 40, add) == 409


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
