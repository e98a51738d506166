"""The SDK's own DurableOrchestrationClient, and the public HTTP API, against a running host."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import azure.durable_functions as df
import azure.functions as func
import pytest
import pytest_asyncio
from azure.durable_functions.models.OrchestrationRuntimeStatus import OrchestrationRuntimeStatus as Runtime

from signalbox.host.testing import LocalHost

APP = Path(__file__).parent / "apps" / "durable"


@pytest_asyncio.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with LocalHost(APP, tmp_path) as running:
        yield running


@pytest.fixture
def client(host: LocalHost) -> df.DurableOrchestrationClient:
    return df.DurableOrchestrationClient(host.client_binding())


async def test_a_started_instance_shows_its_status(host: LocalHost, client: Any) -> None:
    assert await client.start_new("chain", "i", ["a"]) == "i"
    await host.wait("i")
    status = await client.get_status("i", show_history=True, show_history_output=True)
    assert (status.runtime_status, status.output) == (Runtime.Completed, ["hello a"])
    assert json.loads(status.input_) == ["a"]
    shown = [entry["EventType"] for entry in status.history]
    assert shown == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert status.history[1]["Result"] == "hello a"


async def test_ids_are_made_when_none_is_given(host: LocalHost, client: Any) -> None:
    first, second = await client.start_new("chain", None, []), await client.start_new("chain", None, [])
    assert first != second
    assert (await host.wait(first)).output == []


async def test_an_unknown_instance_has_no_status(client: Any) -> None:
    assert not await client.get_status("nobody")


async def test_an_unknown_orchestrator_is_named(client: Any) -> None:
    with pytest.raises(Exception, match="The function 'nobody' doesn't exist"):
        await client.start_new("nobody")


async def test_a_running_instance_is_not_replaced(host: LocalHost, client: Any) -> None:
    await client.start_new("sleeping", "i", 100)
    with pytest.raises(Exception, match=r"An Orchestration instance with the status \w+ already exists"):
        await client.start_new("sleeping", "i", 1)
    await host.advance(timedelta(seconds=100))
    assert host.get("i").status == "Completed"


async def test_a_finished_instance_is_silently_replaced(host: LocalHost, client: Any) -> None:
    await client.start_new("chain", "i", ["a"])
    await host.wait("i")
    await client.start_new("chain", "i", ["b"])
    assert (await host.wait("i")).output == ["hello b"]


async def test_any_state_may_be_replaced_when_host_json_says_so(tmp_path: Path) -> None:
    settings = {"extensions": {"durableTask": {"overridableExistingInstanceStates": "AnyState"}}}
    (tmp_path / "host.json").write_text(json.dumps(settings))
    async with LocalHost(sleeper(), tmp_path) as host:
        await host.start("sleeper", "i", 1000)
        await host.settle()
        await host.start("sleeper", "i", 1)
        await host.advance(timedelta(seconds=1))
        assert host.get("i").output == 1
        await host.advance(timedelta(seconds=1000))
        assert host.get("i").output == 1


def sleeper() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def sleeper(context: df.DurableOrchestrationContext) -> Any:
        seconds = context.get_input()
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
        return seconds

    return app


async def test_an_event_from_the_sdk_arrives_as_its_json_text(host: LocalHost, client: Any) -> None:
    """As on Azure: the SDK encodes twice (azure-functions-durable-python issue 295)."""
    await client.start_new("approval", "i")
    await client.raise_event("i", "Approval", {"by": "ann"})
    assert (await host.wait("i")).output == '{"by": "ann"}'


async def test_events_need_a_running_instance(host: LocalHost, client: Any) -> None:
    with pytest.raises(Exception, match="No instance with ID nobody found"):
        await client.raise_event("nobody", "Approval", 1)
    await client.start_new("chain", "i", [])
    await host.wait("i")
    with pytest.raises(Exception, match="gone"):
        await client.raise_event("i", "Approval", 1)


async def test_suspended_instances_hold_back_until_resumed(host: LocalHost, client: Any) -> None:
    await client.start_new("sleeping", "i", 10)
    await client.suspend("i", "not now")
    await host.advance(timedelta(seconds=20))
    assert (await client.get_status("i")).runtime_status is Runtime.Suspended
    await client.resume("i", "go on")
    assert (await host.wait("i")).output == "awake"


async def test_a_suspended_start_begins_when_resumed(host: LocalHost, client: Any) -> None:
    await client.start_new("approval", "i")
    await client.suspend("i", "not now")
    await client.raise_event("i", "Approval", True)
    await host.settle()
    assert host.get("i").status == "Suspended"
    await client.resume("i", "go on")
    assert (await host.wait("i")).status == "Completed"


async def test_terminate_says_why(host: LocalHost, client: Any) -> None:
    await client.start_new("sleeping", "i", 10)
    await client.terminate("i", "a good reason")
    await host.wait("i")
    status = await client.get_status("i")
    assert (status.runtime_status, status.output) == (Runtime.Terminated, "a good reason")


async def test_restart_keeps_the_input(host: LocalHost, client: Any) -> None:
    await client.start_new("chain", "i", ["a"])
    await host.wait("i")
    await client.restart("i", restart_with_new_instance_id=False)
    assert (await host.wait("i")).output == ["hello a"]
    links = await client.restart("i")
    assert (await host.wait(links["id"])).output == ["hello a"]


async def test_purge_removes_finished_instances(host: LocalHost, client: Any) -> None:
    await client.start_new("chain", "done", [])
    await client.start_new("sleeping", "asleep", 10)
    await host.wait("done")
    await host.settle()
    with pytest.raises(Exception, match="412"):
        await client.purge_instance_history("asleep")
    everything = await client.purge_instance_history_by(datetime(2020, 1, 1, tzinfo=UTC))
    assert everything.instances_deleted == 1
    assert not await client.get_status("done")
    assert (await client.purge_instance_history("nobody")).instances_deleted == 0


async def test_queries_filter(host: LocalHost, client: Any) -> None:
    await client.start_new("chain", "a-1", [])
    await host.settle()
    await host.advance(timedelta(hours=1))
    await client.start_new("sleeping", "b-1", 10)
    await host.settle()
    assert [one.instance_id for one in await client.get_status_all()] == ["a-1", "b-1"]
    assert [one.instance_id for one in await client.get_status_by(runtime_status=[Runtime.Running])] == ["b-1"]
    assert [one.instance_id for one in await client.get_status_by(instance_id_prefix="a-")] == ["a-1"]
    later = host.clock.now() - timedelta(minutes=1)
    assert [one.instance_id for one in await client.get_status_by(created_time_from=later)] == ["b-1"]


async def test_entities_take_signals_and_show_their_state(host: LocalHost, client: Any) -> None:
    counter = df.EntityId("counter", "mine")
    assert not (await client.read_entity_state(counter)).entity_exists
    await client.signal_entity(counter, "add", 3)
    await client.signal_entity(counter, "add", 4)
    await host.settle()
    assert (await client.read_entity_state(counter)).entity_state == 7


async def test_waiting_answers_with_the_output_or_with_links(host: LocalHost, client: Any) -> None:
    request = func.HttpRequest("GET", f"{host.url}/x", body=b"")
    await client.start_new("chain", "i", ["a"])
    done = await client.wait_for_completion_or_create_check_status_response(request, "i", 5000, 10)
    assert (done.status_code, json.loads(done.get_body())) == (200, ["hello a"])
    await client.start_new("sleeping", "j", 10)
    links = await client.wait_for_completion_or_create_check_status_response(request, "j", 20, 10)
    assert links.status_code == 202


async def test_rewind_needs_an_instance(client: Any) -> None:
    with pytest.raises(Exception, match="No instance with ID i found"):
        await client.rewind("i", "why")


async def fetch(url: str, method: str = "GET", **more: Any) -> tuple[int, Any, Any]:
    async with aiohttp.ClientSession() as session, session.request(method, url, **more) as response:
        text = await response.text()
        return response.status, response.headers, json.loads(text) if text.startswith(("{", "[")) else text


async def test_the_public_api_follows_an_instance_to_its_end(host: LocalHost) -> None:
    status, headers, links = await fetch(f"{host.url}/api/run/sleeping/i", "POST", json=5)
    assert (status, headers["Retry-After"]) == (202, "10")
    await host.settle()
    status, headers, body = await fetch(links["statusQueryGetUri"])
    assert (status, headers["Retry-After"], body["runtimeStatus"]) == (202, "5", "Running")
    await host.advance(timedelta(seconds=5))
    assert (await fetch(links["statusQueryGetUri"]))[0] == 200
    assert (await fetch(links["terminatePostUri"], "POST"))[0] == 410
    assert (await fetch(links["purgeHistoryDeleteUri"], "DELETE"))[2] == {"instancesDeleted": 1}
    assert (await fetch(links["statusQueryGetUri"]))[0] == 404


async def test_a_failure_is_200_unless_500_is_asked_for(host: LocalHost) -> None:
    _, _, links = await fetch(f"{host.url}/api/run/failing/i", "POST", json=1)
    await host.wait("i")
    assert (await fetch(links["statusQueryGetUri"]))[0] == 200
    status, _, body = await fetch(links["statusQueryGetUri"] + "&returnInternalServerErrorOnFailure=true")
    assert (status, body["output"]) == (500, "Orchestrator function 'failing' failed: no good")


async def test_the_public_api_needs_its_key(host: LocalHost) -> None:
    base = f"{host.url}/runtime/webhooks/durabletask"
    assert (await fetch(f"{base}/instances"))[0] == 401
    assert (await fetch(f"{base}/instances?code={host.host.keys.default}"))[0] == 401
    assert (await fetch(f"{base}/instances?code={host.host.keys.durabletask_extension}"))[2] == []


async def test_events_and_starts_over_http_carry_plain_json(host: LocalHost) -> None:
    base, code = f"{host.url}/runtime/webhooks/durabletask", f"code={host.host.keys.durabletask_extension}"
    assert (await fetch(f"{base}/orchestrators/approval/i?{code}", "POST"))[0] == 202
    event = f"{base}/instances/i/raiseEvent/Approval?{code}"
    assert (await fetch(event, "POST", data="text"))[0] == 400
    assert (await fetch(event, "POST", json={"by": "ann"}))[0] == 202
    assert (await host.wait("i")).output == {"by": "ann"}
    assert (await fetch(f"{base}/orchestrators/chain/j?{code}", "POST", json=["a"]))[0] == 202
    assert (await host.wait("j")).output == ["hello a"]
    assert (await fetch(f"{base}/orchestrators/sleeping/k?{code}", "POST", json=9))[0] == 202
    assert (await fetch(f"{base}/orchestrators/sleeping/k?{code}", "POST", json=9))[0] == 409


async def test_pages_follow_the_continuation_token(host: LocalHost) -> None:
    for number in range(5):
        await host.start("chain", f"i{number}", [])
    url = f"{host.url}/runtime/webhooks/durabletask/instances?top=2&code={host.host.keys.durabletask_extension}"
    found, token = list[str](), ""
    while True:
        headers = {"x-ms-continuation-token": token} if token else {}
        _, answered, page = await fetch(url, headers=headers)
        found += [one["instanceId"] for one in page]
        token = answered.get("x-ms-continuation-token", "")
        if not token:
            break
    assert found == [f"i{number}" for number in range(5)]
