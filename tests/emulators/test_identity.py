"""Identities with the real clients: managed identities, discovery and keys over TLS, and persons who sign in."""

from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from joserfc import jwt
from joserfc.jwk import KeySet

from shared.settings import read_settings
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import APP_URI, AUDIENCE, TENANT, Endpoints
from signalbox.launcher.people import PERSONS, USER_ASSIGNED, sign_in

pytestmark = pytest.mark.xdist_group("storage-emulator")

STORAGE = "https://storage.azure.com/.default"


@pytest.fixture
def ends(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Endpoints:
    """With the environment that a process of the local cloud has."""
    for name, value in cloud.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    return cloud.endpoints


def discovered(ends: Endpoints) -> tuple[dict[str, Any], KeySet]:
    """The configuration of the issuer, and its keys, as a token library finds them."""
    issuer = ends.environment()["SIGNALBOX_TOKEN_ISSUER"]
    found = requests.get(f"{issuer}/.well-known/openid-configuration", verify=str(ends.ca), timeout=10).json()
    keys = requests.get(found["jwks_uri"], verify=str(ends.ca), timeout=10).json()
    return found, KeySet.import_key_set(keys)


def managed(ends: Endpoints, header: str | None = None, **query: str) -> requests.Response:
    headers = {"X-IDENTITY-HEADER": ends.identity_secret if header is None else header}
    return requests.get(f"http://127.0.0.1:{ends.identity}/msi/token", params=query, headers=headers, timeout=10)


def test_the_real_client_gets_tokens_of_the_app_and_of_a_user_assigned_identity(ends: Endpoints) -> None:
    _, keys = discovered(ends)
    own = jwt.decode(ManagedIdentityCredential().get_token(STORAGE).token, keys).claims
    chosen = ManagedIdentityCredential(client_id=USER_ASSIGNED["client_id"]).get_token(STORAGE)
    second = jwt.decode(chosen.token, keys).claims

    assert own["oid"] != second["oid"] == USER_ASSIGNED["oid"]
    assert (own["aud"], second["appid"]) == ("https://storage.azure.com", USER_ASSIGNED["client_id"])
    assert (own["ver"], own["iss"]) == ("1.0", f"https://sts.windows.net/{TENANT}/")
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential(client_id="stranger").get_token(STORAGE)


def test_the_managed_identity_endpoint_says_what_is_missing(ends: Endpoints) -> None:
    version, resource = {"api-version": "2019-08-01"}, {"resource": "https://x"}
    answers = [
        managed(ends, header="wrong", **version, **resource),
        managed(ends, **resource),
        managed(ends, **version),
        managed(ends, **version, **resource, client_id="stranger"),
    ]

    assert [answer.status_code for answer in answers] == [401, 400, 400, 400]
    assert [answer.json()["message"].split()[0] for answer in answers] == [
        "X-IDENTITY-HEADER",
        "api-version",
        "query",
        "client_id",
    ]


def test_discovery_over_tls_leads_to_the_keys_that_verify_a_person(ends: Endpoints) -> None:
    found, keys = discovered(ends)
    claims = jwt.decode(sign_in(ends, "Ada@example.org"), keys, algorithms=["RS256"]).claims

    assert found["issuer"] == claims["iss"] == f"{ends.authority}/{TENANT}/v2.0"
    assert found["jwks_uri"].startswith("https://")
    assert (claims["aud"], claims["ver"], claims["tid"]) == (AUDIENCE, "2.0", TENANT)
    assert ("appid" in claims, bool(claims["azp"])) == (False, True)
    assert (claims["preferred_username"], claims["name"], claims["roles"], claims["groups"]) == (
        "ada@example.org",
        "Ada",
        ["DataScientist"],
        [],
    )
    assert claims["exp"] > claims["iat"]


def test_every_example_person_signs_in_under_an_own_id(ends: Endpoints) -> None:
    _, keys = discovered(ends)
    oids = {jwt.decode(sign_in(ends, str(person["upn"])), keys).claims["oid"] for person in PERSONS}

    assert len(oids) == len(PERSONS) == 5


@pytest.mark.parametrize(
    ("body", "secret", "status", "said"),
    [
        ({"person": "grace@example.org", "audience": "api://signalbox"}, True, 200, ""),
        ({"person": "grace@example.org", "audience": "api://signalbox"}, False, 401, "X-IDENTITY-HEADER"),
        ({"person": "eve@example.org", "audience": "api://signalbox"}, True, 400, "use one of ada@example.org"),
        ({"person": "grace@example.org"}, True, 400, "audience is missing"),
    ],
)
def test_a_form_signs_in_only_who_is_known_with_the_local_secret(
    ends: Endpoints, body: dict[str, str], secret: bool, status: int, said: str
) -> None:
    headers = {"X-IDENTITY-HEADER": ends.identity_secret} if secret else {}
    answer = requests.post(
        f"{ends.authority}/{TENANT}/local/sign-in", data=body, headers=headers, verify=str(ends.ca), timeout=10
    )

    assert answer.status_code == status
    assert said in answer.text


def test_a_person_of_the_app_is_a_stranger_to_storage(ends: Endpoints) -> None:
    token = sign_in(ends, "barbara@example.org")
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2021-12-02"}
    answer = requests.get(f"{ends.hub}?comp=list", headers=headers, verify=str(ends.ca), timeout=10)

    assert answer.status_code == 401


def test_the_app_reads_its_settings_beside_those_of_the_issuer(ends: Endpoints) -> None:
    environment = ends.environment() | {"SIGNALBOX_CONFIG": "signalbox.yaml"}

    assert read_settings(environment).blob_service == ends.hub
    assert "AZURE_AUTHORITY_HOST" not in environment


def test_the_apps_identity_gets_a_v2_token_for_the_client_id_however_the_app_is_named(ends: Endpoints) -> None:
    _, keys = discovered(ends)
    for resource in (APP_URI, AUDIENCE):
        claims = jwt.decode(ManagedIdentityCredential().get_token(f"{resource}/.default").token, keys).claims
        assert (claims["aud"], claims["ver"], claims["iss"]) == (AUDIENCE, "2.0", f"{ends.authority}/{TENANT}/v2.0")
        assert "appid" not in claims
        assert "idtyp" not in claims  # Its registration asks for no optional claim.
        assert claims["azp"]


def test_an_application_that_is_not_registered_gets_no_token(ends: Endpoints) -> None:
    answer = managed(ends, **{"api-version": "2019-08-01"}, resource="api://another")
    assert (answer.status_code, "AADSTS500011" in answer.text) == (400, True)
