"""A session asks the environment once for each host, and says of it what `requests` says."""

import pytest
import requests

from shared.adapters.sessions import HostSession

CASES = ["https://datahub.blob.core.windows.net/landing/a.csv?comp=list", "https://inside.example.org/b", "http://c/d"]


@pytest.mark.parametrize("url", CASES)
def test_the_environment_counts_as_it_does_for_requests(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example.org")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/certs/ca.pem")

    with HostSession() as session, requests.Session() as peer:
        for _ in range(2):
            found = session.merge_environment_settings(url, {}, False, True, None)
            assert found == peer.merge_environment_settings(url, {}, False, True, None)


def test_what_a_request_brings_itself_is_heeded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")

    with HostSession() as session:
        found = session.merge_environment_settings(CASES[0], {"https": "http://mine:1"}, False, False, None)

    assert (found["proxies"]["https"], found["verify"]) == ("http://mine:1", False)


def test_a_host_is_asked_about_once(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr("requests.sessions.get_environ_proxies", lambda url, no_proxy: asked.append(url) or {})

    with HostSession() as session:
        for path in ("a", "b"):
            session.merge_environment_settings(f"https://one/{path}", {}, False, True, None)
        session.merge_environment_settings("https://two/a", {}, False, True, None)

    assert asked == ["https://one/a", "https://two/a"]
