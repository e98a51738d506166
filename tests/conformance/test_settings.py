"""host.json, local.settings.json and app settings."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.client import Client


def test_custom_headers_are_on_every_answer(host: Client) -> None:
    for path in ("/api/text", "/api/raises/error", "/api/unknown"):
        assert host.get(path).headers["X-Frame-Options"] == "DENY"


def test_a_header_of_the_function_is_kept(host: Client) -> None:
    assert host.get("/api/text").headers["X-Set-By"] == "host.json"
    assert host.get("/api/headers").headers["X-Set-By"] == "the function"


def test_the_script_of_the_app_may_have_another_name(streaming_host: Client) -> None:
    """The settings of the second app name it."""
    assert streaming_host.get("/api/values/text").json() == "text"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://portal.example", True), ("https://other.example", True), ("https://stranger.example", False)],
)
def test_pages_of_allowed_origins_may_call(host: Client, origin: str, allowed: bool) -> None:
    headers = host.get("/api/text", {"Origin": origin}).headers
    assert headers["Access-Control-Allow-Origin"] == (origin if allowed else None)
    assert headers["Access-Control-Allow-Credentials"] == ("true" if allowed else None)


def test_a_browser_may_ask_before_it_calls(host: Client) -> None:
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-one"}
    reply = host.call("OPTIONS", "/api/text", None, {"Origin": "https://portal.example", **asked})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (204, "https://portal.example")
    assert reply.headers["Access-Control-Allow-Methods"] == "PUT"
    assert reply.headers["Access-Control-Allow-Headers"] == "x-one"


def test_a_browser_that_asks_for_a_page_of_another_origin_is_told_nothing(host: Client) -> None:
    asked = {"Access-Control-Request-Method": "PUT", "Origin": "https://stranger.example"}
    assert host.call("OPTIONS", "/api/text", None, asked).headers["Access-Control-Allow-Origin"] is None


def test_a_function_is_switched_off_by_a_setting(host: Client) -> None:
    assert host.get("/api/switched-off").status == 404


def test_an_app_setting_overrides_a_value_of_host_json(host: Client) -> None:
    """Names of settings are compared without case."""
    assert host.get("/api/text").headers["X-Overridden"] == "by a setting"


def test_no_other_value_of_host_json_is_an_app_setting(host: Client) -> None:
    assert host.get("/api/text").headers["X-Hub"] == "%CONFORMANCE_HUB%"


def test_the_name_of_the_hub_may_be_an_app_setting(host: Client) -> None:
    links = host.durable("POST", "/orchestrators/chain", []).json()
    assert "taskHub=Conformance&" in links["statusQueryGetUri"]


def test_a_function_that_runs_too_long_is_ended(served: tuple[str, str], host: Client) -> None:
    clients = [Client(*served), Client(*served)]
    with ThreadPoolExecutor() as pool:
        replies = pool.map(lambda client, path: client.get(path), clients, ("/api/hangs", "/api/blocks"))
        assert [reply.status for reply in replies] == [500, 500]
    for client in clients:
        client.close()
    # The limit of two seconds holds for this call too, and a busy machine may need longer for the first one.
    assert host.until(lambda: host.get("/api/text").status, lambda status: status == 200) == 200
