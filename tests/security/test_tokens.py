"""Tokens, keys and headers that are not what they claim to be: each is refused, and nothing is started or sent."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from shared.adapters.entra.tokens import EntraTokens
from shared.application.callers import Callers
from shared.domain.access.permissions import Permissions
from shared.domain.failures import Refused, Transient
from tests.fakes.ports import OPERATOR_KEY
from tests.security.conftest import AttackedApp
from tests.security.issuer import AUDIENCE, KEY, OTHER_KEY, Issuer, signed

ENGINEER = {"roles": ["PlatformEngineer"], "oid": "4"}


def unsigned(issuer: Issuer, **header: Any) -> str:
    _, payload, _ = issuer.token(**ENGINEER).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT", **header}).encode()).rstrip(b"=")
    return f"{head.decode()}.{payload}."


def nested(issuer: Issuer) -> str:
    return ".".join(base64.urlsafe_b64encode(text).rstrip(b"=").decode() for text in (b"[" * 5000, b"{}", b"x"))


def changed(issuer: Issuer) -> str:
    """Somebody's own token, with more roles than it was signed with."""
    head, payload, signature = issuer.token(oid="9").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | {"roles": ["PlatformEngineer"]}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


def by_public_key(issuer: Issuer) -> str:
    """HS256, whose secret is the public key that everybody can read."""
    _, payload, _ = issuer.token(**ENGINEER).split(".")
    head = base64.urlsafe_b64encode(b'{"alg": "HS256", "typ": "JWT", "kid": "local"}').rstrip(b"=").decode()
    signature = hmac.digest(KEY.as_pem(private=False), f"{head}.{payload}".encode(), "sha256")
    return f"{head}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def said_twice(issuer: Issuer, part: str) -> str:
    """Signed by the issuer itself: who reads the last of two claims sees another person than who reads the first."""
    header, payload, _ = (base64.urlsafe_b64decode(each + "==") for each in issuer.token(**ENGINEER).split("."))
    if part == "payload":
        payload = payload.replace(b"{", b'{"oid": "9", ', 1)
    else:
        header = header.replace(b"{", b'{"kid": "local", ', 1)
    signed_part = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in (header, payload))
    key = RSAAlgorithm(RSAAlgorithm.SHA256)
    signature = key.sign(signed_part, KEY.private_key)
    return f"{signed_part.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


TOKENS: dict[str, Callable[[Issuer], str]] = {
    "signed by another key of the same name": lambda issuer: issuer.token(OTHER_KEY, **ENGINEER),
    "signed by a key that nobody publishes": lambda issuer: issuer.token(OTHER_KEY, {"kid": "mine"}, **ENGINEER),
    "its own key in the header": lambda issuer: issuer.token(
        OTHER_KEY, {"jwk": OTHER_KEY.as_dict(private=False)}, **ENGINEER
    ),
    "keys elsewhere in the header": lambda issuer: issuer.token(
        OTHER_KEY, {"jku": "https://evil.example/keys"}, **ENGINEER
    ),
    "changed after it was signed": changed,
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 1, **ENGINEER),
    "not yet valid": lambda issuer: issuer.token(nbf=int(time.time()) + 600, **ENGINEER),
    "for ever": lambda issuer: issuer.token(without="exp", **ENGINEER),
    "for another audience": lambda issuer: issuer.token(aud="https://management.azure.com", **ENGINEER),
    "for nobody": lambda issuer: issuer.token(without="aud", **ENGINEER),
    "of another issuer": lambda issuer: issuer.token(iss="https://login.evil.example/tenant/v2.0", **ENGINEER),
    "of an issuer whose name begins the same": lambda issuer: issuer.token(iss=f"{issuer.address}.evil", **ENGINEER),
    "of no issuer": lambda issuer: issuer.token(without="iss", **ENGINEER),
    "of another tenant": lambda issuer: issuer.token(tid="other", **ENGINEER),
    "of no application": lambda issuer: issuer.token(without="azp", **ENGINEER),
    "with a claim that is there twice": lambda issuer: said_twice(issuer, "payload"),
    "with a header that says its key twice": lambda issuer: said_twice(issuer, "header"),
    "of nobody": lambda issuer: issuer.token(without="oid", roles=["PlatformEngineer"]),
    "without a signature": unsigned,
    "without a signature, with a key's name": lambda issuer: unsigned(issuer, kid="local"),
    "signed with the public key as a secret": by_public_key,
    "another algorithm of the same key": lambda issuer: issuer.token(KEY, {"alg": "PS256"}, **ENGINEER),
    "nested without end": nested,
    "no token at all": lambda issuer: "a.b.c",
    "empty": lambda issuer: "",
}
DOORS = [
    ("GET", "runs", None),
    ("POST", "events", [{"id": "1"}]),
    ("POST", "promotions", {"model": "diabetes-progression:1", "to": "preprod", "reason": "mine"}),
    ("POST", "models/diabetes-progression/recover", {"version": "1", "environment": "dev", "reason": "mine"}),
]


@pytest.fixture
async def refused(app: AttackedApp) -> Any:
    """Sends *headers* to several doors; what they answered, after nothing has happened."""

    async def send(headers: dict[str, str], query: str = "") -> set[int]:
        before, seen = await app.settled(), set[int]()
        for method, path, body in DOORS:
            status, answer = await app.ask(method, f"{path}{query}", headers, body)
            assert answer["title"] in ("not signed in", "not allowed")
            seen.add(status)
        assert await app.settled() == before
        return seen

    return send


async def test_a_refused_token_leaves_its_reason_in_the_log(app: AttackedApp, caplog: pytest.LogCaptureFixture) -> None:
    token = app.issuer.token(aud="api://signalbox", **ENGINEER)

    status, _ = await app.ask("GET", "runs", {"Authorization": f"Bearer {token}"})

    assert status == 401
    (line,) = (record.getMessage() for record in caplog.records if "a caller is refused" in record.getMessage())
    assert line.startswith("GET runs: ")
    assert "a v2.0 token for 'api://signalbox'" in line
    assert token not in caplog.text


async def test_what_a_good_token_opens_no_other_does(app: AttackedApp, refused: Any) -> None:
    good, _ = await app.ask("GET", "runs", {"Authorization": f"Bearer {app.issuer.token(**ENGINEER)}"})
    assert good == 200

    answers = {name: await refused({"Authorization": f"Bearer {make(app.issuer)}"}) for name, make in TOKENS.items()}

    assert {name: seen for name, seen in answers.items() if seen != {401}} == {}
    assert app.issuer.asked == {"openid-configuration": 1, "keys": 1}  # Whatever keys strangers name.


def encoded(principal: Any) -> str:
    return base64.b64encode(json.dumps(principal).encode()).decode()


OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
PRINCIPAL = {
    "auth_typ": "aad",
    "role_typ": "roles",
    "claims": [
        {"typ": OID, "val": "4"},
        {"typ": "http://schemas.microsoft.com/identity/claims/scope", "val": "access_as_user"},
        {"typ": "roles", "val": "PlatformEngineer"},
        {"typ": "azp", "val": "app"},
    ],
}
HEADERS: dict[str, dict[str, str]] = {
    "the platform's header, where the platform is not trusted": {"X-MS-CLIENT-PRINCIPAL": encoded(PRINCIPAL)},
    "its other headers": {"X-MS-CLIENT-PRINCIPAL-ID": "4", "X-MS-CLIENT-PRINCIPAL-NAME": "barbara@example.org"},
    "a wrong key": {"x-functions-key": OPERATOR_KEY + "x"},
    "a key's digest": {"x-functions-key": "sha256:" + "0" * 64},
    "a key that is no text": {"x-functions-key": "\udcff\udcfe"},
    "a key as a token": {"Authorization": f"Bearer {OPERATOR_KEY}"},
    "a wrong token beside a right key": {"Authorization": "Bearer x", "x-functions-key": OPERATOR_KEY},
    "an empty token beside a right key": {"Authorization": "", "x-functions-key": OPERATOR_KEY},
    "another scheme": {"Authorization": f"Negotiate {OPERATOR_KEY}"},
    "basic, with no password": {"Authorization": "Basic " + base64.b64encode(b"user").decode()},
    "basic, that is not base64": {"Authorization": "Basic ===="},
    "basic, that is no text": {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
    "a token that is no text": {"Authorization": "Bearer \udcff.\udcff.\udcff"},
    "basic, beyond ASCII": {"Authorization": "Basic é"},
}


@pytest.mark.parametrize("name", HEADERS)
def test_what_else_is_presented_opens_nothing(name: str) -> None:
    callers = Callers(EntraTokens("https://login.example/t/v2.0", AUDIENCE), Permissions(), {"k": "0" * 64})

    with pytest.raises(Refused):
        callers.known(HEADERS[name], {})


async def test_every_such_header_is_answered_401(app: AttackedApp, refused: Any) -> None:
    answers = {name: await refused(headers) for name, headers in HEADERS.items()}

    assert {name: seen for name, seen in answers.items() if seen != {401}} == {}
    assert await refused({}, "?code=%ff%fe") == {401}


async def test_a_key_opens_nothing_that_is_for_people_only(app: AttackedApp) -> None:
    """Whatever its machine acts as."""
    before, body = await app.settled(), {"role": "product-owner", "evidence": "sha256:0", "reason": "mine"}
    for action, more in (("approve", {}), ("reject", {}), ("withdraw", {}), ("break-glass", {"stage": "preprod"})):
        for headers, query in (({"x-functions-key": OPERATOR_KEY}, ""), ({}, f"?code={OPERATOR_KEY}")):
            path = f"promotions/promotion-x-1/{action}{query}"
            status, answer = await app.ask("POST", path, headers, body | more)
            assert (status, answer["title"]) == (403, "not allowed"), action

    assert await app.settled() == before


PLATFORM = {
    "without an application": {**PRINCIPAL, "claims": PRINCIPAL["claims"][:3]},
    "without an application and a scope": {**PRINCIPAL, "claims": PRINCIPAL["claims"][:3:2]},
    "with two object ids": {**PRINCIPAL, "claims": [*PRINCIPAL["claims"], {"typ": OID, "val": "9"}]},
    "of another tenant": {**PRINCIPAL, "claims": [*PRINCIPAL["claims"], {"typ": "tid", "val": "other"}]},
    "of another provider": {**PRINCIPAL, "auth_typ": "github"},
    "without an object id": {**PRINCIPAL, "claims": PRINCIPAL["claims"][1:]},
    "without claims": {"auth_typ": "aad"},
    "of a shape of its own": [PRINCIPAL],
    "of an application that nobody configured": {
        **PRINCIPAL,
        "claims": [*PRINCIPAL["claims"][::2], {"typ": "azp", "val": "x"}],
    },
}


@pytest.mark.parametrize("name", PLATFORM)
def test_where_the_platform_is_trusted_its_header_is_still_read_strictly(name: str) -> None:
    callers = Callers(EntraTokens("", AUDIENCE), Permissions(), {}, platform=True, tenant="tenant")

    with pytest.raises(Refused):
        callers.known({"X-MS-CLIENT-PRINCIPAL": encoded(PLATFORM[name])}, {})
    for garbage in ("not base64", base64.b64encode(b"[" * 50_000).decode(), base64.b64encode(b"\xff").decode()):
        with pytest.raises(Refused):
            callers.known({"X-MS-CLIENT-PRINCIPAL": garbage}, {})


class Keys(EntraTokens):
    """Its issuer publishes what the test says."""

    def __init__(self) -> None:
        super().__init__(ADDRESS, AUDIENCE, lambda: self.now)
        self.now, self.asked, self.answers, self.published_there = 0.0, 0, True, "https://login.example/keys"
        self.known = {"local": KEY}

    def _get(self, url: str) -> dict[str, Any]:
        if url.endswith("configuration"):
            self.asked += 1
            if not self.answers:
                raise Transient("nobody is there")
            return {"jwks_uri": self.published_there}
        return {"keys": [{**key.as_dict(private=False), "kid": kid} for kid, key in self.known.items()]}


@pytest.fixture
def keys() -> Keys:
    return Keys()


ADDRESS = "https://login.example/t/v2.0"
OLD, NEW = (f"Bearer {signed(ADDRESS, header={'kid': kid})}" for kid in ("local", "rolled"))


def test_strangers_cannot_make_us_ask_for_keys_at_will_and_new_keys_are_found(keys: Keys) -> None:
    keys.verify(OLD)
    for _ in range(50):
        with pytest.raises(Refused, match="does not publish"):
            keys.verify(NEW)
    assert keys.asked == 1

    keys.now, keys.known = 61, {"local": KEY, "rolled": KEY}
    keys.verify(NEW)
    keys.verify(OLD)
    assert keys.asked == 2


def test_a_key_that_is_withdrawn_is_forgotten_within_a_day(keys: Keys) -> None:
    keys.verify(OLD)
    keys.now, keys.known = 24 * 3600 + 1, {}

    with pytest.raises((Refused, Transient)):
        keys.verify(OLD)


def test_an_issuer_that_does_not_answer_is_nobodys_fault_and_known_keys_stay_good(keys: Keys) -> None:
    keys.answers = False
    for _ in range(50):
        with pytest.raises(Transient):
            keys.verify(OLD)
    assert keys.asked == 1

    keys.now, keys.answers = 2, True
    keys.verify(OLD)
    keys.now, keys.answers = 100, False
    with pytest.raises(Transient):
        keys.verify(NEW)
    keys.verify(OLD)


@pytest.mark.parametrize(
    "there", ["https://evil.example/keys", "http://login.example/keys", "https://login.example@evil.example/k", ""]
)
def test_keys_come_from_the_issuers_own_host_over_tls(keys: Keys, there: str) -> None:
    keys.published_there = there

    with pytest.raises(Refused, match=r"jwks_uri .* leaves"):
        keys.verify(OLD)
