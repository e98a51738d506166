"""Plans are compared by what changes, and a deployment is done when the app runs it."""

import json

import pytest

from infra.deploy import app
from infra.deploy.plans import Change, changes_of, digest

SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app"


def result(*changes: dict[str, object]) -> dict[str, object]:
    return {"status": "Succeeded", "changes": list(changes)}


def modified(*delta: dict[str, object]) -> dict[str, object]:
    return {"resourceId": SITE, "changeType": "Modify", "delta": list(delta)}


def test_a_second_run_has_no_changes_beside_the_reviewed_noise():
    noise = {"path": "properties.provisioningState", "propertyChangeType": "Delete"}
    quiet = {"path": "tags", "propertyChangeType": "NoEffect"}

    assert changes_of(result({"resourceId": SITE, "changeType": "NoChange"}, modified(noise, quiet))) == ()


def test_a_change_names_the_property_that_differs():
    delta = {"path": "properties", "children": [{"path": "httpsOnly", "propertyChangeType": "Modify"}]}

    assert changes_of(result(modified(delta))) == (Change(SITE, "Modify", ("properties.httpsOnly",)),)


def test_a_what_if_that_failed_is_no_empty_plan():
    with pytest.raises(ValueError, match="Failed"):
        changes_of({"status": "Failed", "error": "quota"})


def test_another_plan_or_another_template_has_another_digest():
    empty, changed = {"platform": ()}, {"platform": (Change(SITE, "Delete"),)}

    assert len({digest(empty, b"a"), digest(changed, b"a"), digest(empty, b"b")}) == 3
    assert digest(changed, b"a") == digest(dict(changed), b"a")


class Scm:
    """An scm site that answers what a test says, in turn."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers, self.calls = list(answers), list[str]()

    def __call__(self, method: str, url: str, body: bytes | None) -> tuple[int, str]:
        self.calls.append(f"{method} {url}")
        return self.answers.pop(0)


def no_pause(_: float) -> None:
    return


def test_an_accepted_package_is_followed_to_its_end():
    scm = Scm((400, "inner 403"), (202, '"d1"'), (200, json.dumps({"status": 1})), (200, json.dumps({"status": 4})))

    deployment = app.publish(scm, "https://scm", b"zip", no_pause)
    app.follow(scm, "https://scm", deployment, no_pause)

    assert [call.partition("?")[0] for call in scm.calls] == [
        "POST https://scm/api/publish",
        "POST https://scm/api/publish",
        "GET https://scm/api/deployments/d1",
        "GET https://scm/api/deployments/d1",
    ]


def test_a_deployment_that_fails_after_it_was_accepted_is_a_failure():
    scm = Scm((200, json.dumps({"status": 3, "status_text": "no module"})))

    with pytest.raises(app.NotDeployed, match="no module"):
        app.follow(scm, "https://scm", "d1", no_pause)


def test_an_app_that_never_lives_is_a_failure():
    scm = Scm(*[(503, "starting")] * 200)

    with pytest.raises(app.NotDeployed, match="starting"):
        app.await_life(scm, "https://app/api/v1/health", no_pause)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/.scm.azurewebsites.net",
        "http://app.scm.azurewebsites.net",
        "https://evil.example#.azurewebsites.net",
        "https://a@evil.example/azurewebsites.net",
        "https://app.azurewebsites.net.evil.example",
        "https://app.azurewebsites.net@evil.example",
    ],
)
def test_the_token_goes_to_apps_alone(address, capsys, tmp_path):
    assert app.main(address, str(tmp_path / "no-package"), "https://app.azurewebsites.net/api/v1/health") == 2
    assert app.main("https://app.scm.azurewebsites.net", str(tmp_path / "no-package"), address) == 2
    assert "the token goes nowhere else" in capsys.readouterr().err
