"""Addresses that a service names are called only where every parser reads the same host in them."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import Request, RequestException
from urllib3.util import parse_url

from shared.adapters.allowed_hosts import host_of, refuse_other_host, require_allowed_host
from shared.domain.failures import Refused

AZURE = ("*.inference.ml.azure.com",)
BACKSLASH, TAB, RING = "\\", "\t", "\N{FULLWIDTH FULL STOP}"


@pytest.mark.parametrize(
    "uri",
    [
        rf"https://evil{BACKSLASH}.inference.ml.azure.com/score",
        rf"https://evil{BACKSLASH}@x.inference.ml.azure.com/score",
        "https://evil#.inference.ml.azure.com/score",
        "https://evil?.inference.ml.azure.com/score",
        "https://evil/.inference.ml.azure.com",
        "https://x.inference.ml.azure.com@evil/score",
        "https://:secret@x.inference.ml.azure.com/score",
        "https://x.inference.ml.azure.com.evil/score",
        "https://x.inference.ml.azure.com./score",
        "https://x.inference.ml.azure.com:8443/score",
        "https://x.inference.ml.azure.com:99999/score",
        "https://x.inference.ml.azure.com:/score:1@evil",
        "https://.inference.ml.azure.com/score",
        "https://x%2einference.ml.azure.com/score",
        "https://evil%2f.inference.ml.azure.com/score",
        f"https://evil{TAB}.inference.ml.azure.com/score",
        " https://x.inference.ml.azure.com/score",
        f"https://x{RING}inference.ml.azure.com/score",
        "https://\N{LATIN SMALL LETTER SHARP S}.inference.ml.azure.com/score",
        "https:/x.inference.ml.azure.com/score",
        "https:///x.inference.ml.azure.com/score",
        "http://x.inference.ml.azure.com/score",
        "//x.inference.ml.azure.com/score",
        "https://x.inference.ml.azure.com/score\r\nHost: evil",
        "https://[::1].inference.ml.azure.com/score",
        "",
    ],
)
def test_an_address_that_can_be_read_in_two_ways_is_refused(uri):
    with pytest.raises(Refused, match="is not on an allowed host; SETTING allows"):
        require_allowed_host(uri, AZURE, "scoringUri", "SETTING")


@pytest.mark.parametrize(
    ("uri", "hosts"),
    [
        ("https://churn.westeurope.inference.ml.azure.com/jobs?api-version=1&x=%20", AZURE),
        ("https://CHURN.westeurope.Inference.ml.azure.com:443", AZURE),
        ("https://localhost:10443/score", ("localhost:10443",)),
        ("https://localhost:10443/score", ("localhost:*",)),
    ],
)
def test_a_plain_address_on_an_allowed_host_is_taken_as_it_is(uri, hosts):
    assert require_allowed_host(uri, hosts, "scoringUri", "SETTING") == uri


PIECES = st.lists(
    st.sampled_from(
        ["evil", "azure.com", ".", "@", ":", "/", BACKSLASH, "#", "?", "%2e", TAB, "443", "x", "[", "]", "\n", "é"]
    ),
    max_size=8,
)


@given(PIECES.map("".join))
def test_whatever_is_taken_the_client_calls_the_host_that_was_compared(rest):
    uri = f"https://{rest}"
    host = host_of(uri)
    if host:
        try:
            called = parse_url(str(Request("GET", uri).prepare().url))
        except RequestException:
            return  # Nothing is called.
        assert called.netloc in (host, f"{host}:443")
        assert called.auth is None
        assert urlsplit(uri).netloc.lower() in (host, f"{host}:443", f"{host}:0443")


@pytest.mark.parametrize(
    "uri", ["https://a.org:444/x", "http://a.org/x", "https://b.org/x", rf"https://a.org{BACKSLASH}@b.org"]
)
def test_another_host_is_refused(uri):
    refuse_other_host("https://A.org:443/next?page=2", "https://a.org/base", "nextLink")
    with pytest.raises(Refused, match=r"nextLink .* leaves https://a\.org"):
        refuse_other_host(uri, "https://a.org", "nextLink")
