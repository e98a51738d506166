"""Entra's two versions of tokens: exactly the one that is configured is accepted, for the audience that it carries."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from shared.adapters.entra.tokens import EntraTokens
from shared.domain.access.callers import Caller, CallerKind
from shared.domain.failures import Refused
from shared.settings import SettingsError, read_settings
from signalbox.emulators.tokens import Application, Identity, Person, TokenIssuer

AUTHORITY, TENANT = "https://login.example", "t"
CLIENT_ID, URI = "11111111-2222-3333-4444-555555555555", "api://signalbox"
ADA = Person(oid="1", upn="ada@example.org", name="Ada", roles=("DataScientist",))
SECOND, FIRST = f"{AUTHORITY}/{TENANT}/v2.0", f"https://sts.windows.net/{TENANT}"


class Offline(EntraTokens):
    """With the issuer's keys at hand."""

    def __init__(self, tokens: TokenIssuer, issuer: str, audience: str) -> None:
        super().__init__(issuer, audience)
        self._tokens = tokens

    def _get(self, url: str) -> dict[str, Any]:
        base = url.removesuffix("/.well-known/openid-configuration")
        if base != url:
            assert base in (SECOND, f"https://login.microsoftonline.com/{TENANT}")
            return {"jwks_uri": f"{base}/keys"}
        return self._tokens.key_set()


def issuer(folder: Path, version: int | None, *optional: str) -> TokenIssuer:
    application = Application(client_id=CLIENT_ID, uri=URI, version=version, optional_claims=optional)
    return TokenIssuer(folder, TENANT, AUTHORITY, [application])


def verified(tokens: TokenIssuer, token: str, named: str, audience: str) -> Caller:
    return Caller.of(Offline(tokens, named, audience).verify(f"Bearer {token}"))


@pytest.mark.parametrize(
    ("version", "named", "audience"),
    [(2, SECOND, CLIENT_ID), (1, FIRST, URI), (None, FIRST, URI), (None, f"{FIRST}/", URI)],
)
def test_the_version_of_the_registration_is_accepted_where_it_is_configured(
    tmp_path: Path, version: int | None, named: str, audience: str
) -> None:
    tokens = issuer(tmp_path, version)
    person = verified(tokens, tokens.issue_to(ADA, URI), named, audience)
    machine = verified(tokens, tokens.issue(URI, identity=Identity(client_id="c", oid="9")), named, audience)

    assert (person.kind, person.name) == (CallerKind.PERSON, "ada@example.org")
    assert (machine.kind, machine.app) == (CallerKind.MACHINE, "c")


@pytest.mark.parametrize(
    ("version", "named", "audience"),
    [(2, SECOND, URI), (2, FIRST, CLIENT_ID), (2, FIRST, URI), (1, SECOND, URI), (1, SECOND, CLIENT_ID)],
)
def test_any_other_version_or_audience_is_refused_with_what_to_look_at(
    tmp_path: Path, version: int, named: str, audience: str
) -> None:
    tokens = issuer(tmp_path, version)
    with pytest.raises(Refused, match="requestedAccessTokenVersion") as refusal:
        verified(tokens, tokens.issue_to(ADA, URI), named, audience)
    carried = f"a v{version}.0 token for '{CLIENT_ID if version == 2 else URI}'"
    assert carried in str(refusal.value), "the reason names what the token carries beside what is taken"


def test_a_version_that_does_not_belong_to_its_issuer_is_refused(tmp_path: Path) -> None:
    tokens = issuer(tmp_path, 2)
    claims = jwt.decode(tokens.issue_to(ADA, URI), options={"verify_signature": False}) | {"ver": "1.0"}
    claims |= {"iss": SECOND, "aud": CLIENT_ID}
    with pytest.raises(Refused, match="do not belong together"):
        verified(tokens, tokens._sign(claims, None), SECOND, CLIENT_ID)


def test_optional_claims_are_in_tokens_only_where_the_registration_asks_for_them(tmp_path: Path) -> None:
    identity = Identity(roles=("Reader",))
    for optional in ((), ("idtyp",)):
        token = issuer(tmp_path, 2, *optional).issue(URI, identity=identity)
        claims = jwt.decode(token, options={"verify_signature": False})
        assert ("idtyp" in claims, claims["roles"]) == (bool(optional), ["Reader"])


@pytest.mark.parametrize(
    ("named", "audience", "remedy"),
    [
        ("https://login.microsoftonline.com/t/v2.0", URI, "set it to the client id"),
        ("https://login.microsoftonline.com/t/v2.0", "", "set it to the client id"),
        ("https://sts.windows.net/t", "signalbox", "api://"),
    ],
)
def test_settings_whose_audience_no_token_can_carry_are_refused(named: str, audience: str, remedy: str) -> None:
    sample = json.loads(Path("local.settings.sample.json").read_text())["Values"]
    sound = {name: value for name, value in sample.items() if not value.startswith("@Microsoft.KeyVault")}
    assert read_settings(sound).token_audience
    with pytest.raises(SettingsError, match=f"SIGNALBOX_TOKEN_AUDIENCE is {audience!r}, .*{remedy}"):
        read_settings(sound | {"SIGNALBOX_TOKEN_ISSUER": named, "SIGNALBOX_TOKEN_AUDIENCE": audience})
    assert read_settings(sound | {"SIGNALBOX_TOKEN_ISSUER": FIRST, "SIGNALBOX_TOKEN_AUDIENCE": URI})
