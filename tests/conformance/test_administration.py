"""Keys and administration."""

import pytest

from tests.conformance.client import Client


def function_key(host: Client) -> str:
    [key] = host.get("/admin/host/functionkeys", key=host.key).json()["keys"]
    return str(key["value"])


@pytest.mark.parametrize(
    ("path", "level"), [("text", "anonymous"), ("locked", "function"), ("administered", "admin")], ids=str
)
@pytest.mark.parametrize("shown", ["none", "wrong", "function", "master"])
def test_a_function_asks_for_the_key_of_its_level(host: Client, path: str, level: str, shown: str) -> None:
    keys = {"none": "", "wrong": "wrong", "function": function_key(host), "master": host.key}
    levels = {"anonymous": 0, "function": 1, "admin": 2}
    opened = {"none": 0, "wrong": 0, "function": 1, "master": 2}[shown] >= levels[level]
    assert host.get(f"/api/{path}", key=keys[shown]).status == (200 if opened else 401)


def test_a_key_may_stand_in_the_query(host: Client) -> None:
    assert host.get(f"/api/locked?code={function_key(host)}").status == 200
    assert host.get("/api/locked?code=wrong").status == 401


def test_the_home_page_says_that_the_host_runs(host: Client) -> None:
    reply = host.get("/")
    assert (reply.status, reply.headers.get_content_type()) == (200, "text/html")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_ping_needs_no_key(host: Client, method: str) -> None:
    assert host.call(method, "/admin/host/ping").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/host/status"),
        ("GET", "/admin/host/keys"),
        ("GET", "/admin/host/systemkeys/_master"),
        ("GET", "/admin/functions"),
        ("GET", "/admin/functions/echo"),
        ("POST", "/admin/functions/yearly"),
    ],
)
def test_administration_asks_for_the_master_key(host: Client, method: str, path: str) -> None:
    assert host.call(method, path, {}).status == 401
    assert host.call(method, path, {}, key=function_key(host)).status == 401


def test_the_status_says_that_the_host_runs(host: Client) -> None:
    status = host.get("/admin/host/status", key=host.key).json()
    assert (status["state"], status["version"].split(".")[0]) == ("Running", "4")
    assert status["processUptime"] > 0
    assert status["id"]


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("keys", {"default"}),
        ("functionkeys", {"default"}),
        ("systemkeys", {"blobs_extension", "durabletask_extension", "eventgrid_extension"}),
    ],
)
def test_keys_are_listed_by_scope(host: Client, scope: str, names: set[str]) -> None:
    keys = host.get(f"/admin/host/{scope}", key=host.key).json()["keys"]
    assert {key["name"] for key in keys} >= names
    assert all(key["value"] for key in keys)


@pytest.mark.parametrize(("name", "status"), [("_master", 200), ("durabletask_extension", 200), ("unknown", 404)])
def test_a_key_is_shown_by_name(host: Client, name: str, status: int) -> None:
    reply = host.get(f"/admin/host/systemkeys/{name}", key=host.key)
    assert reply.status == status
    if name == "_master":
        assert reply.json() == {"name": "_master", "value": host.key}


def test_functions_are_listed_with_their_bindings(host: Client) -> None:
    functions = {entry["name"]: entry for entry in host.get("/admin/functions", key=host.key).json()}
    assert {"echo", "typed_event", "yearly", "chain", "counter"} <= set(functions)
    assert functions["echo"]["config"]["bindings"][0]["type"] == "httpTrigger"
    assert functions["echo"]["invoke_url_template"].startswith(f"{host.url}/api/echo")
    assert functions["yearly"]["invoke_url_template"] is None


@pytest.mark.parametrize(("name", "status"), [("echo", 200), ("ECHO", 200), ("unknown", 404)])
def test_a_function_is_shown_by_name(host: Client, name: str, status: int) -> None:
    reply = host.get(f"/admin/functions/{name}", key=host.key)
    assert reply.status == status
    if status == 200:
        assert (reply.json()["name"], reply.json()["language"]) == ("echo", "python")


@pytest.mark.parametrize(
    ("name", "body", "kind", "status"),
    [
        ("yearly", "{}", "application/json", 202),
        ("unknown", "{}", "application/json", 404),
        ("yearly", "", "application/json", 400),
        ("yearly", "{", "application/json", 400),
        ("yearly", "{}", "text/plain", 415),
    ],
)
def test_a_function_is_run_by_hand(host: Client, name: str, body: str, kind: str, status: int) -> None:
    reply = host.call("POST", f"/admin/functions/{name}", body, {"Content-Type": kind}, key=host.key)
    assert reply.status == status


@pytest.mark.parametrize("path", ["/admin", "/admin/unknown", "/admin/host/unknown"])
def test_an_unknown_path_of_the_administration_is_not_found(host: Client, path: str) -> None:
    assert host.get(path, key=host.key).status == 404
