"""Orchestrations, activities and entities."""

import json
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client


def key() -> str:
    return uuid.uuid4().hex


@pytest.mark.parametrize(
    ("orchestrator", "given", "output"),
    [
        ("chain", ["a", "b"], ["hello a", "hello b"]),
        ("chain", None, []),
        ("fan", 5, 20),
        ("racing", None, True),
        ("sleeping", 20, "awake"),
        ("parent", None, [["hello a"], ["hello b"]]),
        ("identifiers", None, True),
        ("counting", None, [7, True]),
        ("shouting", None, ["hello a", ["hello b"], 3]),
        ("CHAIN", ["a"], ["hello a"]),
    ],
)
def test_an_orchestration_completes_with_its_output(host: Client, orchestrator: str, given: Any, output: Any) -> None:
    status = host.run(orchestrator, given)
    assert (status["runtimeStatus"], status["output"]) == ("Completed", output), status


@pytest.mark.parametrize("given", [None, 0, 1.5, True, "text", "", [1, "a"], {"a": {"b": None}}, "ü"])
def test_an_input_arrives_as_it_was_sent(host: Client, given: Any) -> None:
    status = host.run("echo_input", given)
    assert status["output"] == given


@pytest.mark.parametrize(("failures", "completed"), [(0, True), (1, True), (2, True), (3, False)])
@pytest.mark.parametrize("orchestrator", ["retrying", "retrying_child"])
def test_a_task_is_tried_again_as_often_as_its_options_say(
    host: Client, orchestrator: str, failures: int, completed: bool
) -> None:
    status = host.run(orchestrator, {"key": key(), "failures": failures})
    assert status["runtimeStatus"] == ("Completed" if completed else "Failed")
    assert status["output"] == failures + 1 if completed else "try 3 fails" in status["output"]


@pytest.mark.parametrize(
    ("activity", "reason"),
    [
        (["flaky", {"key": "never", "failures": 10**9}], "fails"),
        (["leaving", "exit"], "SystemExit"),
        (["leaving", "interrupt"], "KeyboardInterrupt"),
        (["slow", 60], "Timeout value"),
    ],
    ids=["error", "exit", "interrupt", "functionTimeout"],
)
def test_an_orchestrator_catches_how_an_activity_ended(host: Client, activity: list[Any], reason: str) -> None:
    status = host.run("catching", activity)
    assert status["runtimeStatus"] == "Completed"
    assert reason in status["output"]


@pytest.mark.parametrize(
    ("orchestrator", "given", "reason"),
    [
        ("failing", None, "no good"),
        ("exiting", None, "SystemExit"),
        ("catching", ["missing", None], "missing"),
        ("large_status", 9_000, "must not exceed 16 KB"),
    ],
    ids=["error", "exit", "unknown activity", "custom status"],
)
def test_an_orchestration_fails_with_the_reason(host: Client, orchestrator: str, given: Any, reason: str) -> None:
    status = host.run(orchestrator, given)
    assert status["runtimeStatus"] == "Failed"
    assert reason in status["output"]


def test_a_custom_status_of_16_kilobytes_is_kept(host: Client) -> None:
    assert host.run("large_status", 8_190)["runtimeStatus"] == "Completed"


def test_an_event_goes_on_with_the_orchestration(host: Client) -> None:
    instance = host.start("approval")
    host.until(lambda: host.status(instance), lambda status: status["customStatus"] == {"waits": True})
    assert host.durable("POST", f"/instances/{instance}/raiseEvent/Approval", {"by": "ann"}).status == 202
    status = host.wait(instance)
    assert (status["output"], status["customStatus"]) == ({"by": "ann"}, "done")


def test_an_event_is_named_without_case_and_may_come_early(host: Client) -> None:
    instance = host.start("approval")
    host.durable("POST", f"/instances/{instance}/raiseEvent/APPROVAL", "1", {"Content-Type": "application/json"})
    assert host.wait(instance)["output"] == 1


def test_events_outlive_a_new_generation(host: Client) -> None:
    instance = host.start("collecting")
    for item in ("a", "b", "c"):
        host.durable(
            "POST", f"/instances/{instance}/raiseEvent/item", f'"{item}"', {"Content-Type": "application/json"}
        )
    assert host.wait(instance)["output"] == ["a", "b", "c"]


def test_a_child_knows_its_parent_and_the_version(host: Client) -> None:
    instance = host.start("telling_parent")
    child, parent, version = host.wait(instance)["output"]
    assert (child == instance, parent, version) == (False, instance, "1.0")


def test_a_start_may_name_its_version(host: Client) -> None:
    reply = host.durable("POST", "/orchestrators/telling?version=0.9&timeout=20&pollingInterval=1")
    assert reply.json()[2] == "0.9"


def test_an_orchestrator_calls_http(host: Client) -> None:
    given = ["POST", f"{host.url}/api/echo?a=1", {"b": 2}, {"X-Mark": "m"}]
    answer = host.run("calling_http", given)["output"]
    assert answer["statusCode"] == 200
    echo = json.loads(answer["content"])
    assert (echo["method"], echo["query"], bytes.fromhex(echo["body"])) == ("POST", {"a": "1"}, b'{"b": 2}')
    assert (echo["headers"]["x-mark"], echo["headers"]["content-type"]) == ("m", "application/json")


@pytest.mark.parametrize("code", [204, 302, 404, 500])
def test_every_status_is_an_answer_of_call_http(host: Client, code: int) -> None:
    answer = host.run("calling_http", ["GET", f"{host.url}/api/status/{code}", None, None])["output"]
    assert answer["statusCode"] == code


@pytest.mark.parametrize("polls", [1, 3])
def test_call_http_asks_again_while_the_answer_is_202(host: Client, polls: int) -> None:
    given = ["POST", f"{host.url}/api/accepted/{key()}/{polls}", None, {"X-Mark": "m"}]
    answer = host.run("calling_http", given)["output"]
    assert (answer["statusCode"], answer["content"]) == (200, f"GET {polls + 1} m")


def test_call_http_brings_a_token_of_the_host_which_no_history_shows(host: Client) -> None:
    resource = "https://management.core.windows.net/"
    instance = host.start("calling_as_itself", [f"{host.url}/api/caller", resource])
    assert host.wait(instance)["output"]["content"] == f"Bearer for {resource}"
    told = host.durable("GET", f"/instances/{instance}?showInput=true&showHistory=true&showHistoryOutput=true").text
    assert "Authorization" not in told
    assert "eyJ" not in told


@pytest.mark.parametrize("change", ["name", "kind", "child", "nothing more"])
def test_a_replay_that_asks_for_another_kind_or_name_fails(host: Client, change: str) -> None:
    status = host.run("changing", change)
    assert status["runtimeStatus"] == "Failed"
    assert "non-deterministic" in status["output"].lower()


@pytest.mark.parametrize("change", ["case", "input", "child input", "operation"])
def test_a_replay_with_another_input_goes_on(host: Client, change: str) -> None:
    assert host.run("changing", change)["output"] == "unnoticed"


def test_call_http_raises_when_nobody_answers(host: Client) -> None:
    assert host.run("catching_http", "http://127.0.0.1:9/")["output"] == "caught"


@pytest.mark.parametrize(
    "orchestrator", ["in_need_of_repair", "with_broken_child", "with_broken_retries", "broken_fan"]
)
def test_a_rewind_tries_again_what_had_failed_and_no_more(host: Client, orchestrator: str) -> None:
    broken = key()
    outputs = {
        "in_need_of_repair": [1, f"{broken} works"],
        "with_broken_child": [1, f"{broken} works"],
        "with_broken_retries": f"hello {broken} works",
        "broken_fan": [f"{broken} works", 8],
    }
    instance = host.start(orchestrator, broken)
    assert host.wait(instance)["runtimeStatus"] == "Failed"
    host.call("POST", f"/api/repair/{broken}")
    assert host.durable("POST", f"/instances/{instance}/rewind?reason=repaired").status == 202
    status = host.wait(instance)
    assert (status["runtimeStatus"], status["output"]) == ("Completed", outputs[orchestrator])


def test_a_rewind_of_what_is_still_broken_fails_again(host: Client) -> None:
    instance = host.start("in_need_of_repair", key())
    host.wait(instance)
    assert host.durable("POST", f"/instances/{instance}/rewind").status == 202
    host.wait(instance, "Failed")
    assert host.durable("POST", f"/instances/{instance}/rewind").status == 202
    assert "is broken" in host.wait(instance, "Failed")["output"]


@pytest.mark.parametrize(("instance", "status"), [("nobody", 404), ("completed", 412), ("running", 412)])
def test_only_what_has_failed_is_rewound(host: Client, instance: str, status: int) -> None:
    if instance == "completed":
        instance = host.start("chain", [])
        host.wait(instance)
    elif instance == "running":
        instance = host.start("approval")
    assert host.durable("POST", f"/instances/{instance}/rewind").status == status


def signal(host: Client, entity: str, operation: str, value: object = None) -> None:
    assert host.durable("POST", f"/entities/{entity}?op={operation}", value).status == 202


def state(host: Client, entity: str, wanted: object) -> None:
    host.until(
        lambda: host.durable("GET", f"/entities/{entity}"), lambda reply: reply.status == 200 and reply.json() == wanted
    )


def test_signals_change_an_entity_in_order(host: Client) -> None:
    entity = f"counter/{key()}"
    for number in (1, 2, 3):
        signal(host, entity, "add", number)
    state(host, entity, 6)


def test_an_entity_is_named_without_case_and_its_key_with_it(host: Client) -> None:
    name = key()
    signal(host, f"Counter/{name}a", "add", 1)
    signal(host, f"COUNTER/{name}A", "add", 2)
    state(host, f"counter/{name}a", 1)
    state(host, f"counter/{name}A", 2)


def test_a_signal_may_be_text(host: Client) -> None:
    entity = f"counter/{key()}"
    reply = host.durable("POST", f"/entities/{entity}?op=note", "plain words", {"Content-Type": "text/plain"})
    assert reply.status == 202
    state(host, entity, "plain words")


def test_a_signal_that_is_no_json_is_refused(host: Client) -> None:
    reply = host.durable("POST", "/entities/counter/x?op=add", "{", {"Content-Type": "application/json"})
    assert reply.status == 400


def test_an_unknown_entity_is_not_found(host: Client) -> None:
    assert host.durable("GET", f"/entities/counter/{key()}").status == 404


def test_an_entity_is_deleted_by_its_own_operation(host: Client) -> None:
    entity = f"counter/{key()}"
    signal(host, entity, "add", 1)
    state(host, entity, 1)
    assert host.durable("DELETE", f"/entities/{entity}").status == 202
    host.until(lambda: host.durable("GET", f"/entities/{entity}").status, lambda status: status == 404)


def test_entities_are_listed_by_name_and_with_their_state(host: Client) -> None:
    name = key()
    signal(host, f"counter/{name}", "add", 2)
    state(host, f"counter/{name}", 2)
    for path in ("/entities", "/entities/", "/entities/counter"):
        listed = {entry["entityId"]["key"]: entry for entry in host.durable("GET", f"{path}?fetchState=true").json()}
        assert (listed[name]["entityId"]["name"], listed[name]["state"]) == ("counter", 2)
    without = host.durable("GET", "/entities/counter").json()
    assert all("state" not in entry and entry["lastOperationTime"].endswith("Z") for entry in without)
    assert host.durable("GET", "/entities/nothing").json() == []


def test_entities_are_listed_in_pages_and_by_time(host: Client) -> None:
    names = {key() for _ in range(3)}
    for name in names:
        signal(host, f"counter/{name}", "add", 1)
        state(host, f"counter/{name}", 1)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = host.durable("GET", "/entities/counter?top=2", None, token)
        seen += [entry["entityId"]["key"] for entry in page.json()]
        if not page.headers.get("x-ms-continuation-token"):
            break
        token = {"x-ms-continuation-token": page.headers["x-ms-continuation-token"]}
    assert names <= set(seen)
    assert len(seen) == len(set(seen))
    assert host.durable("GET", "/entities/counter?lastOperationTimeTo=2020-01-01T00:00:00Z").json() == []
