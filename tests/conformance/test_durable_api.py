"""Durable HTTP API and the SDK's client."""

import uuid
from typing import Any
from urllib.parse import quote

import pytest

from tests.conformance.client import WEBHOOK, Client


def finished(host: Client, orchestrator: str = "chain", given: object = None) -> str:
    instance = host.start(orchestrator, given)
    host.wait(instance)
    return instance


def running(host: Client) -> str:
    instance = host.start("approval")
    host.wait(instance, "Running")
    return instance


LINKS = {
    "id",
    "statusQueryGetUri",
    "sendEventPostUri",
    "terminatePostUri",
    "purgeHistoryDeleteUri",
    "restartPostUri",
    "suspendPostUri",
    "resumePostUri",
}


def test_a_start_answers_with_links(host: Client) -> None:
    reply = host.durable("POST", "/orchestrators/chain", [])
    assert reply.status == 202
    assert set(reply.json()) >= LINKS
    assert reply.headers["Location"] == reply.json()["statusQueryGetUri"]
    assert reply.headers["Retry-After"] == "10"


def test_the_links_work_as_they_are(host: Client) -> None:
    links = host.durable("POST", "/orchestrators/approval").json()

    def call(method: str, link: str, body: object = None, **parts: str) -> int:
        path = links[link].removeprefix(host.url)
        for name, value in parts.items():
            path = path.replace(f"{{{name}}}", value)
        return host.call(method, path, body).status

    assert call("GET", "statusQueryGetUri") == 202
    assert call("POST", "suspendPostUri", text="later") == 202
    host.wait(links["id"], "Suspended")
    assert call("POST", "resumePostUri", text="now") == 202
    assert call("POST", "sendEventPostUri", {"ok": True}, eventName="Approval") == 202
    host.wait(links["id"])
    assert call("GET", "statusQueryGetUri") == 200
    assert call("POST", "restartPostUri") == 202
    assert call("POST", "terminatePostUri", text="late") == 410
    assert call("DELETE", "purgeHistoryDeleteUri") == 200
    assert call("GET", "statusQueryGetUri") == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orchestrators/missing", 400),
        ("/orchestrators/greet", 400),
        (f"/orchestrators/chain/{quote('@at')}", 400),
        (f"/orchestrators/chain/{'x' * 257}", 400),
    ],
    ids=["unknown", "activity", "at", "long"],
)
def test_a_start_that_cannot_be_is_refused(host: Client, path: str, status: int) -> None:
    assert host.durable("POST", path, []).status == status


def test_a_start_with_a_broken_body_is_refused(host: Client) -> None:
    assert host.durable("POST", "/orchestrators/chain", "{", {"Content-Type": "application/json"}).status == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_start_by_another_method_is_not_found(host: Client, method: str) -> None:
    assert host.durable(method, "/orchestrators/chain").status == 404


def test_an_id_that_runs_is_a_conflict_and_one_that_has_finished_is_replaced(host: Client) -> None:
    instance = uuid.uuid4().hex
    host.start("approval", None, instance)
    assert host.durable("POST", f"/orchestrators/chain/{instance}", []).status == 409
    host.durable("POST", f"/instances/{instance}/terminate")
    host.wait(instance)
    host.start("chain", ["a"], instance)
    assert host.wait(instance)["output"] == ["hello a"]


def test_a_start_waits_for_the_output(host: Client) -> None:
    reply = host.durable("POST", "/orchestrators/chain?timeout=20&pollingInterval=1", ["a"])
    assert (reply.status, reply.json()) == (200, ["hello a"])


def test_a_start_waits_for_a_failure(host: Client) -> None:
    reply = host.durable("POST", "/orchestrators/failing?timeout=20&pollingInterval=1")
    assert (reply.status, reply.json()["runtimeStatus"]) == (200, "Failed")


@pytest.mark.parametrize("query", ["timeout=0.1&pollingInterval=0.05", "timeout=9", "timeout=x&pollingInterval=1"])
def test_a_start_does_not_wait_longer_than_it_was_told(host: Client, query: str) -> None:
    reply = host.durable("POST", f"/orchestrators/approval?{query}")
    assert (reply.status, set(reply.json()) >= LINKS) == (202, True)


def test_an_interval_beyond_the_timeout_is_refused(host: Client) -> None:
    assert host.durable("POST", "/orchestrators/approval?timeout=1&pollingInterval=2").status == 400


def test_a_status_has_every_documented_field(host: Client) -> None:
    status = host.status(finished(host, "chain", ["a"]))
    assert set(status) >= {"name", "instanceId", "runtimeStatus", "input", "customStatus", "output", "createdTime"}
    assert (status["name"], status["input"], status["output"]) == ("chain", ["a"], ["hello a"])
    assert status["lastUpdatedTime"] >= status["createdTime"]


def test_a_status_of_what_runs_says_when_to_ask_again(host: Client) -> None:
    reply = host.durable("GET", f"/instances/{running(host)}")
    assert (reply.status, reply.headers["Retry-After"]) == (202, "5")
    assert "/instances/" in reply.headers["Location"]


def test_a_status_may_leave_out_the_input(host: Client) -> None:
    assert host.status(finished(host, "chain", ["a"]), "?showInput=false")["input"] is None


def test_a_failure_may_be_an_error_of_the_status(host: Client) -> None:
    instance = finished(host, "failing")
    assert host.durable("GET", f"/instances/{instance}").status == 200
    assert host.durable("GET", f"/instances/{instance}?returnInternalServerErrorOnFailure=true").status == 500


def test_a_status_shows_its_history(host: Client) -> None:
    instance = finished(host, "chain", ["a"])
    events = host.status(instance, "?showHistory=true&showHistoryOutput=true")["historyEvents"]
    assert [event["EventType"] for event in events] == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert (events[1]["FunctionName"], events[1]["Result"]) == ("greet", "hello a")
    assert "Result" not in host.status(instance, "?showHistory=true")["historyEvents"][1]
    assert host.status(instance).get("historyEvents") is None


@pytest.mark.parametrize("path", ["", "/terminate", "/suspend", "/resume", "/raiseEvent/x", "/rewind"])
def test_an_unknown_instance_is_not_found(host: Client, path: str) -> None:
    method = "POST" if path else "GET"
    assert host.durable(method, f"/instances/nobody{path}", None if method == "GET" else {}).status == 404


def test_an_unknown_instance_cannot_be_restarted(host: Client) -> None:
    assert host.durable("POST", "/instances/nobody/restart").status == 400


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume", "raiseEvent/x"])
def test_what_has_finished_is_gone(host: Client, operation: str) -> None:
    assert host.durable("POST", f"/instances/{finished(host)}/{operation}", {}).status == 410


@pytest.mark.parametrize("operation", ["terminate", "Terminate", "TERMINATE"])
def test_an_instance_is_terminated_with_the_reason(host: Client, operation: str) -> None:
    instance = running(host)
    assert host.durable("POST", f"/instances/{instance}/{operation}?reason=enough").status == 202
    status = host.wait(instance)
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "enough")


def test_an_instance_is_suspended_and_resumed(host: Client) -> None:
    instance = running(host)
    host.durable("POST", f"/instances/{instance}/suspend?reason=later")
    host.wait(instance, "Suspended")
    host.durable("POST", f"/instances/{instance}/raiseEvent/Approval", {"a": 1})
    assert host.status(instance)["runtimeStatus"] == "Suspended"
    host.durable("POST", f"/instances/{instance}/resume?reason=now")
    assert host.wait(instance)["output"] == {"a": 1}


def test_an_instance_is_neither_suspended_nor_resumed_twice(host: Client) -> None:
    instance = running(host)
    assert host.durable("POST", f"/instances/{instance}/resume").status == 500
    assert host.durable("POST", f"/instances/{instance}/suspend").status == 202
    host.wait(instance, "Suspended")
    assert host.durable("POST", f"/instances/{instance}/suspend").status == 500


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [('{"a": 1}', "application/json", 202), ("text", "text/plain", 400), ("{", "application/json", 400)],
)
def test_an_event_must_be_json(host: Client, body: str, kind: str, status: int) -> None:
    reply = host.durable("POST", f"/instances/{running(host)}/raiseEvent/x", body, {"Content-Type": kind})
    assert reply.status == status


@pytest.mark.parametrize(("query", "same"), [("", False), ("?restartWithNewInstanceId=false", True)])
def test_an_instance_is_restarted_with_its_input(host: Client, query: str, same: bool) -> None:
    instance = finished(host, "chain", ["a"])
    restarted = host.durable("POST", f"/instances/{instance}/restart{query}").json()["id"]
    assert (restarted == instance) is same
    assert host.wait(restarted)["output"] == ["hello a"]


def test_what_runs_is_not_restarted_under_its_id(host: Client) -> None:
    assert host.durable("POST", f"/instances/{running(host)}/restart?restartWithNewInstanceId=false").status == 409


def test_a_finished_instance_is_purged(host: Client) -> None:
    instance = finished(host)
    assert host.durable("DELETE", f"/instances/{instance}").json()["instancesDeleted"] == 1
    assert host.durable("DELETE", f"/instances/{instance}").status == 404


def test_what_runs_is_not_purged(host: Client) -> None:
    assert host.durable("DELETE", f"/instances/{running(host)}").status == 412


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?createdTimeFrom=yesterday", 400),
        ("?createdTimeFrom=2000-01-01T00:00:00Z&createdTimeTo=2000-01-02T00:00:00Z", 404),
    ],
)
def test_a_purge_of_many_needs_a_time_and_something_to_delete(host: Client, query: str, status: int) -> None:
    assert host.durable("DELETE", f"/instances{query}").status == status


def named(host: Client, query: str, prefix: str) -> list[str]:
    reply = host.durable("GET", f"/instances?instanceIdPrefix={prefix}&{query}")
    assert reply.status == 200
    return sorted(entry["instanceId"].removeprefix(prefix) for entry in reply.json())


@pytest.fixture(scope="module")
def prefix(served: tuple[str, str]) -> str:
    """Three instances begin with this: `done` has completed, `bad` has failed, `open` is running."""
    host, prefix = Client(*served), uuid.uuid4().hex
    for orchestrator, name in (("chain", "done"), ("failing", "bad"), ("approval", "open")):
        host.start(orchestrator, None, prefix + name)
    host.wait(f"{prefix}done")
    host.wait(f"{prefix}bad")
    host.wait(f"{prefix}open", "Running")
    host.close()
    return prefix


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["bad", "done", "open"]),
        ("runtimeStatus=Completed", ["done"]),
        ("runtimeStatus=Completed,Failed", ["bad", "done"]),
        ("runtimeStatus=Completed&runtimeStatus=Running", ["done", "open"]),
        ("runtimeStatus=Terminated", []),
        ("runtimeStatus=Nonsense", ["bad", "done", "open"]),
        ("createdTimeFrom=2000-01-01T00:00:00Z", ["bad", "done", "open"]),
        ("createdTimeFrom=2999-01-01T00:00:00Z", []),
        ("createdTimeTo=2000-01-01T00:00:00Z", []),
        ("createdTimeFrom=yesterday", ["bad", "done", "open"]),
        ("top=x", ["bad", "done", "open"]),
    ],
)
def test_instances_are_listed_by_filters_and_those_that_cannot_be_read_filter_nothing(
    host: Client, prefix: str, query: str, names: list[str]
) -> None:
    assert named(host, query, prefix) == names


def test_instances_are_listed_in_pages(host: Client, prefix: str) -> None:
    seen: list[str] = []
    headers: dict[str, str] = {}
    while True:
        page = host.durable("GET", f"/instances?instanceIdPrefix={prefix}&top=2", None, headers)
        seen += [entry["instanceId"] for entry in page.json()]
        if not page.headers.get("x-ms-continuation-token"):
            break
        headers = {"x-ms-continuation-token": page.headers["x-ms-continuation-token"]}
    assert sorted(seen) == sorted(prefix + name for name in ("done", "bad", "open"))


@pytest.mark.parametrize("path", ["/instances", "/instances/x", "/entities/counter/x"])
def test_the_api_asks_for_a_key(host: Client, path: str) -> None:
    assert host.get(WEBHOOK + path).status == 401
    assert host.get(WEBHOOK + path, key="wrong").status == 401


def test_the_key_of_the_extension_opens_the_api(host: Client) -> None:
    key = host.get("/admin/host/systemkeys/durabletask_extension", key=host.key).json()["value"]
    assert host.get(f"{WEBHOOK}/instances?code={key}").status == 200


def ask(host: Client, operation: str, instance: str) -> Any:
    reply = host.call("POST", f"/api/client/{operation}/{instance}")
    assert reply.status == 200, operation
    return reply.json()


def test_the_sdk_starts_and_answers_with_links(host: Client) -> None:
    instance = uuid.uuid4().hex
    reply = host.call("POST", f"/api/start/chain/{instance}", ["a"])
    assert (reply.status, reply.json()["id"], set(reply.json()) >= LINKS) == (202, instance, True)
    assert host.wait(instance)["output"] == ["hello a"]


def test_the_sdk_waits_for_the_output(host: Client) -> None:
    reply = host.call("POST", f"/api/wait/chain/{uuid.uuid4().hex}", ["a"])
    assert (reply.status, reply.json()) == (200, ["hello a"])


def test_the_sdk_controls_an_instance(host: Client) -> None:
    instance = running(host)
    ask(host, "suspend", instance)
    host.wait(instance, "Suspended")
    ask(host, "resume", instance)
    ask(host, "event", instance)
    assert host.wait(instance)["output"] == '{"by": "ann"}'
    assert ask(host, "status", instance)["runtimeStatus"] == "Completed"
    assert ask(host, "restart", instance)["id"] == instance
    ask(host, "terminate", instance)
    assert host.wait(instance)["output"] == "enough"
    assert ask(host, "purge", instance) == 1


def test_the_sdk_rewinds_an_instance(host: Client) -> None:
    broken = uuid.uuid4().hex
    instance = host.start("in_need_of_repair", broken)
    host.wait(instance)
    host.call("POST", f"/api/repair/{broken}")
    ask(host, "rewind", instance)
    assert host.wait(instance)["output"] == [1, f"{broken} works"]


def test_the_sdk_signals_and_reads_an_entity(host: Client) -> None:
    entity = uuid.uuid4().hex
    assert ask(host, "entity", entity) == [False, None]
    ask(host, "signal", entity)
    host.until(lambda: ask(host, "entity", entity), lambda state: state == [True, 4])
