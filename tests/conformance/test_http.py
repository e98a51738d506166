"""HTTP trigger and output."""

import gzip
import json
import re
from urllib.parse import quote

import pytest

from tests.conformance.client import Client


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_function_without_methods_takes_every_method(host: Client, method: str) -> None:
    assert host.call(method, "/api/echo").json()["method"] == method


def test_a_head_request_has_no_body(host: Client) -> None:
    reply = host.call("HEAD", "/api/echo")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "answer"), [("GET", "reads GET"), ("POST", "writes POST"), ("PUT", "writes PUT")], ids=str
)
def test_two_functions_share_a_route_by_their_methods(host: Client, method: str, answer: str) -> None:
    assert host.call(method, "/api/verbs").text == answer


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_a_wrong_method_is_not_found(host: Client, method: str) -> None:
    assert host.call(method, "/api/verbs").status == 404


@pytest.mark.parametrize("path", ["/api/unknown", "/echo", "/apis/echo", "/api"])
def test_an_unknown_path_is_not_found(host: Client, path: str) -> None:
    assert host.get(path).status == 404


@pytest.mark.parametrize("path", ["/api/text/", "/api/TEXT", "/API/text", "/api/named_by_itself"])
def test_a_path_is_found_without_case_and_with_a_slash_at_its_end(host: Client, path: str) -> None:
    assert host.get(path).status == 200


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": "1,2"}),
        ("a=", {}),
        ("a=&b=2", {"b": "2"}),
        ("a=x%20y%2Bz", {"a": "x y+z"}),
        ("a=%C3%BC", {"a": "ü"}),
        ("A=1&b=2", {"A": "1", "b": "2"}),
    ],
)
def test_query_values_are_decoded_joined_and_dropped_if_empty(host: Client, query: str, seen: dict[str, str]) -> None:
    assert host.get(f"/api/echo?{query}").json()["query"] == seen


def test_the_url_is_that_of_the_request(host: Client) -> None:
    assert host.get("/api/echo/a/b?c=d").json()["url"] == f"{host.url}/api/echo/a/b?c=d"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ([("X-One", "1")], {"x-one": "1"}),
        ([("X-One", "1"), ("X-One", "2")], {"x-one": "1,2"}),
        ([("X-UPPER", "Value")], {"x-upper": "Value"}),
    ],
    ids=["one", "repeated", "case"],
)
def test_headers_are_named_in_small_letters_and_joined(
    host: Client, sent: list[tuple[str, str]], seen: dict[str, str]
) -> None:
    headers = host.get("/api/echo", sent).json()["headers"]
    assert {name: headers.get(name) for name in seen} == seen


@pytest.mark.parametrize("body", [b"", b"text", b"\x00\xff\xfe", "ü".encode()], ids=["empty", "text", "bytes", "utf-8"])
def test_a_body_arrives_byte_for_byte(host: Client, body: bytes) -> None:
    assert bytes.fromhex(host.call("POST", "/api/echo", body).json()["body"]) == body


def test_a_compressed_body_arrives_as_it_is(host: Client) -> None:
    body = gzip.compress(b"text", mtime=0)
    echo = host.call("POST", "/api/echo", body, {"Content-Encoding": "gzip"}).json()
    assert (bytes.fromhex(echo["body"]), echo["headers"]["content-encoding"]) == (body, "gzip")


def test_a_large_body_arrives(host: Client) -> None:
    body = b"0123456789" * 300_000
    assert len(host.call("POST", "/api/echo", body).json()["body"]) == 2 * len(body)


@pytest.mark.parametrize(
    ("body", "status"), [('{"a": [1, "ü"]}', 200), ("[]", 200), ("null", 200), ("{", 400), ("", 400)]
)
def test_a_body_is_read_as_json(host: Client, body: str, status: int) -> None:
    reply = host.call("POST", "/api/json", body, {"Content-Type": "application/json"})
    assert reply.status == status
    if status == 200:
        assert reply.json() == json.loads(body)


def test_a_form_is_read(host: Client) -> None:
    reply = host.call("POST", "/api/form", "a=1&b=x+y", {"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.json() == {"form": {"a": "1", "b": "x y"}, "files": {}}


def test_an_uploaded_file_is_read(host: Client) -> None:
    body = (
        '--cut\r\nContent-Disposition: form-data; name="field"\r\n\r\nvalue\r\n'
        '--cut\r\nContent-Disposition: form-data; name="up"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
        "content\r\n--cut--\r\n"
    )
    reply = host.call("POST", "/api/form", body, {"Content-Type": "multipart/form-data; boundary=cut"})
    assert reply.json() == {"form": {"field": "value"}, "files": {"up": "content"}}


@pytest.mark.parametrize("code", [200, 201, 204, 302, 400, 404, 409, 418, 500, 503])
def test_a_response_has_the_status_of_the_function(host: Client, code: int) -> None:
    assert host.get(f"/api/status/{code}").status == code


def test_text_is_answered_as_plain_text(host: Client) -> None:
    reply = host.get("/api/text")
    assert (reply.status, reply.text) == (200, "plain GET")
    assert reply.headers.get_content_type() == "text/plain"


def test_bytes_are_answered_as_they_are(host: Client) -> None:
    reply = host.get("/api/bytes")
    assert (reply.body, reply.headers.get_content_type()) == (b"\x00\xff", "application/octet-stream")


def test_text_is_encoded_in_the_charset_of_the_response(host: Client) -> None:
    reply = host.get("/api/latin")
    assert (reply.body, reply.headers.get_content_charset()) == ("Zürich".encode("latin-1"), "iso-8859-1")


def test_headers_of_the_response_are_sent(host: Client) -> None:
    assert host.get("/api/headers").headers["X-Own"] == "GET"


def test_every_cookie_of_the_response_is_set(host: Client) -> None:
    cookies = host.get("/api/cookies").headers.get_all("Set-Cookie") or []
    assert [cookie.split(";")[0] for cookie in cookies] == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (
            "a=1; Secure; SameSite=Lax; HttpOnly; Path=/; Domain=example.org; Max-Age=60; Expires=Fri, 31 Dec 2027 "
            "23:59:59 GMT",
            "a=1; expires=Fri, 31 Dec 2027 23:59:59 GMT; max-age=60; domain=example.org; path=/; secure; samesite=lax; "
            "httponly",
        ),
        ('a="b c;/%"; Path=/x', "a=b%20c%3B%2F%25; path=/x"),
        ("a=1; SameSite=None; Path=/", "a=1; path=/; samesite=none"),
    ],
    ids=["attributes", "encoded", "same site"],
)
def test_a_cookie_is_written_in_one_order_and_its_value_encoded(host: Client, line: str, written: str) -> None:
    assert host.get(f"/api/cookie?line={quote(line)}").headers.get_all("Set-Cookie") == [written]


def test_a_cookie_that_expires_at_no_time_is_an_error(host: Client) -> None:
    assert host.get(f"/api/cookie?line={quote('a=1; Expires=never')}").status == 500


def test_a_route_without_an_output_answers_with_nothing(host: Client) -> None:
    assert (host.get("/api/speechless").status, host.get("/api/speechless?word=x").status) == (204, 500)


def test_an_async_function_answers(host: Client) -> None:
    assert host.get("/api/awaited").text == "awaited GET"


@pytest.mark.parametrize("path", ["nothing", "number", "dictionary"])
def test_what_is_no_response_is_an_error(host: Client, path: str) -> None:
    assert host.get(f"/api/{path}").status == 500


@pytest.mark.parametrize("kind", ["error", "exit", "interrupt", "generator"])
@pytest.mark.parametrize("path", ["raises", "awaited-raises"])
def test_whatever_a_function_raises_is_an_error_of_its_own_call(host: Client, path: str, kind: str) -> None:
    reply = host.get(f"/api/{path}/{kind}")
    assert reply.status == 500
    assert "this is the function's own error" not in reply.text
    assert host.get("/api/text").status == 200


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [("out/hello", 201, "hello"), ("out/text", 200, "set as text"), ("out", 204, "")],
    ids=["response", "text", "unset"],
)
def test_a_response_is_given_through_an_output_parameter(host: Client, path: str, status: int, text: str) -> None:
    reply = host.get(f"/api/{path}")
    assert (reply.status, reply.text) == (status, text)


def test_the_context_names_the_function_and_the_invocation(host: Client) -> None:
    first, second = host.get("/api/context").json(), host.get("/api/context").json()
    assert first["function"] == "context"
    assert re.fullmatch(r"[0-9a-f-]{36}", first["invocation"])
    assert first["invocation"] != second["invocation"]


def test_the_trace_of_the_caller_goes_on(host: Client) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    context = host.get("/api/context", {"traceparent": parent, "tracestate": "a=1"}).json()
    assert context["parent"].split("-")[:2] == parent.split("-")[:2]
    assert context["state"] == "a=1"


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_a_call_without_a_trace_begins_one(host: Client, parent: str) -> None:
    context = host.get("/api/context", {"traceparent": parent} if parent else {}).json()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", context["parent"])
    assert "0" * 32 not in context["parent"]
