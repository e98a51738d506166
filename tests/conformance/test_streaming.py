"""HTTP streams with the http-fastapi extension."""

import hashlib
import http.client
import uuid
from urllib.parse import urlsplit

import pytest

from tests.conformance.client import PATIENCE, Client

_MB = 1024 * 1024


def key() -> str:
    return uuid.uuid4().hex


def connect(host: Client) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(host.url).netloc, timeout=PATIENCE)


def test_a_body_reaches_the_function_while_it_is_sent(streaming_host: Client) -> None:
    name, piece = key(), b"x" * 70_000
    sender = connect(streaming_host)
    sender.putrequest("POST", f"/api/upload/{name}")
    sender.putheader("Transfer-Encoding", "chunked")
    sender.endheaders()
    sender.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    streaming_host.until(lambda: streaming_host.get(f"/api/arrived/{name}").json(), lambda size: size == len(piece))
    sender.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(piece), piece))
    answer = sender.getresponse()
    assert answer.status == 200
    assert hashlib.sha256(piece * 2).hexdigest() in answer.read().decode()
    sender.close()


def test_a_body_of_a_known_length_arrives_byte_for_byte(streaming_host: Client) -> None:
    body = bytes(range(256)) * 4096 * 16
    reply = streaming_host.call("POST", f"/api/upload/{key()}", body)
    assert reply.json() == {"size": 16 * _MB, "sha256": hashlib.sha256(body).hexdigest()}


def test_an_answer_is_sent_while_the_function_makes_it(streaming_host: Client) -> None:
    name, reader = key(), connect(streaming_host)
    reader.request("GET", f"/api/download/{name}")
    answer = reader.getresponse()
    assert answer.read(6) == b"first "
    assert (answer.headers["X-Own"], answer.headers.get_content_type()) == ("1", "text/event-stream")
    assert streaming_host.call("POST", f"/api/release/{name}").status == 204
    assert answer.read() == b"second"
    reader.close()


def test_a_generator_that_is_not_async_is_an_answer(streaming_host: Client) -> None:
    reply = streaming_host.get("/api/large?count=256")
    assert (reply.headers["Content-Type"], len(reply.body)) == ("image/png", 16 * _MB)
    assert reply.body[65_536 * 255] == 255


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_of_the_extension_shows_all_that_was_sent(streaming_host: Client, method: str) -> None:
    body = b"\x00\xff" if method == "POST" else None
    pairs = [("X-Mark", "a"), ("Content-Type", "application/octet-stream")]
    seen = streaming_host.call(method, "/api/seen/a%20b/007?q=1&q=%C3%BC", body, pairs).json()
    expected = {"method": method, "path": "/api/seen/a b/007", "mark": ["a"], "body": (body or b"").hex()}
    assert seen == {**expected, "params": {"name": "a b", "number": "007"}, "query": [["q", "1"], ["q", "ü"]]}


@pytest.mark.parametrize(("kind", "body"), [("text", b'"text"'), ("dictionary", b'{"a":[1,null]}')])
def test_what_is_no_response_is_answered_as_json(streaming_host: Client, kind: str, body: bytes) -> None:
    reply = streaming_host.get(f"/api/values/{kind}")
    assert (reply.status, reply.headers.get_content_type(), reply.body) == (200, "application/json", body)


def test_every_cookie_of_a_response_of_the_extension_is_set(streaming_host: Client) -> None:
    reply = streaming_host.get("/api/values/cookies")
    assert reply.status == 201
    assert [cookie.split(";")[0] for cookie in reply.headers.get_all("Set-Cookie", [])] == ["a=1", "b=2"]


@pytest.mark.parametrize("kind", ["error", "nothing"])
def test_what_a_function_with_streams_raises_is_an_error(streaming_host: Client, kind: str) -> None:
    assert streaming_host.get(f"/api/values/{kind}").status == 500
    assert streaming_host.get("/api/values/text").status == 200


def test_an_exit_of_a_function_with_streams_is_an_error(streaming_host: Client) -> None:
    """It may end the worker, and calls fail in it until another has taken its place."""
    assert streaming_host.get("/api/values/exit").status == 500
    streaming_host.until(lambda: streaming_host.get("/api/values/text").status, lambda status: status == 200)


def test_an_answer_that_breaks_off_is_not_taken_for_whole(streaming_host: Client) -> None:
    reader = connect(streaming_host)
    reader.request("GET", "/api/broken")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        reader.getresponse().read()
    reader.close()


def test_a_function_with_streams_asks_for_the_key_of_its_level(streaming_host: Client) -> None:
    assert streaming_host.get("/api/locked").status == 401
    assert streaming_host.get("/api/locked", key=streaming_host.key).text == "locked GET"
    assert streaming_host.call("PUT", "/api/large").status == 404
