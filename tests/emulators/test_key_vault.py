"""The vault with the real clients, and the app's own key in it: what it refuses, what it never gives out."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.keyvault.keys import JsonWebKey, KeyClient, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from click.testing import CliRunner

from shared.adapters.signing.key_vault import VaultKey
from shared.adapters.signing.purpose_keys import PurposeKeys
from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.clients import Clients
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.trust.envelopes import STATEMENT_TYPE
from shared.domain.trust.keys import Purpose
from shared.settings import read_settings
from signalbox.cli.main import main
from signalbox.emulators.tokens import PRINCIPAL
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import Endpoints
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.people import VAULT_OFFICER, sign_in
from tests.emulators.services import running

pytestmark = pytest.mark.xdist_group("storage-emulator")
ES256 = SignatureAlgorithm.es256
DIGEST = sha256(b"a plan").digest()


class Officer:
    """A TokenCredential of the person who may make keys; it keeps what it was asked for."""

    def __init__(self, ends: Endpoints) -> None:
        self._ends, self.scopes = ends, list[str]()

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        from azure.core.credentials import AccessToken

        self.scopes += scopes
        return AccessToken(sign_in(self._ends, VAULT_OFFICER, scopes[0].removesuffix("/.default")), 2**31)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with running(tmp_path_factory.mktemp("state"), vault=True) as cloud:
        yield cloud


@pytest.fixture
def ends(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Endpoints:
    """With the environment that a process of the local cloud has."""
    for name, value in cloud.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    return cloud.endpoints


@pytest.fixture
def keys(ends: Endpoints) -> Iterator[KeyClient]:
    with KeyClient(ends.vault, Officer(ends), retry_total=0) as client:
        yield client


def crypto(ends: Endpoints, key: KeyVaultKey | str, credential: Any = None) -> CryptographyClient:
    return CryptographyClient(key, credential or LocalIdentity(ends), retry_total=0)


def vault_key(ends: Endpoints, key: KeyVaultKey) -> VaultKey:
    return VaultKey(str(key.id), (f"127.0.0.1:{ends.keyvault}",), LocalIdentity(ends))


def order(ends: Endpoints, path: str, body: Any) -> None:
    response = requests.post(f"{ends.vault}/_control/{path}", json=body, verify=str(ends.ca), timeout=10)
    response.raise_for_status()


def raw(ends: Endpoints, method: str, path: str, token: str = "", **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{ends.vault}{path}"
    return requests.request(method, url, headers=headers, verify=str(ends.ca), timeout=10, **options)


def test_the_real_clients_make_read_sign_and_verify(ends: Endpoints, keys: KeyClient) -> None:
    key = keys.create_ec_key("round", curve="P-256", tags={"for": "tests"})
    client = crypto(ends, key.id)
    signature = client.sign(ES256, DIGEST).signature
    other = keys.create_ec_key("other", curve="P-256")

    assert len(signature) == 64
    assert client.verify(ES256, DIGEST, signature).is_valid
    assert not crypto(ends, other.id).verify(ES256, DIGEST, signature).is_valid
    assert (key.properties.enabled, key.properties.exportable, key.properties.tags) == (True, False, {"for": "tests"})
    assert keys.get_key("round").id == keys.get_key("round", key.properties.version).id == key.id
    assert {listed.name for listed in keys.list_properties_of_keys()} >= {"round", "other"}
    with pytest.raises(ResourceNotFoundError):
        keys.get_key("nowhere")


def test_no_answer_has_the_private_key(ends: Endpoints, keys: KeyClient) -> None:
    key = keys.create_ec_key("secretive", curve="P-256")
    imported = keys.import_key("brought", private_jwk())
    answers = [
        keys.get_key("secretive"),
        keys.get_key("brought"),
        keys.update_key_properties("secretive", tags={"a": "b"}),
    ]

    assert key.key.d is None
    assert imported.key.d is None
    assert all(answer.key.d is None for answer in answers)
    with pytest.raises(HttpResponseError) as refusal:
        keys.create_ec_key("open", curve="P-256", exportable=True, release_policy=None)
    assert refusal.value.status_code == 501
    token = Officer(ends).get_token("https://vault.azure.net/.default").token
    for method, path in (("POST", "/keys/secretive/backup"), ("POST", "/keys/secretive/release"), ("GET", "/secrets")):
        response = raw(ends, method, f"{path}?api-version=7.6", token)
        assert (response.status_code, response.json()["error"]["code"]) == (501, "NotImplemented")


def private_jwk() -> JsonWebKey:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    numbers = generate_private_key(SECP256R1()).private_numbers()
    x, y, d = (
        number.to_bytes(32) for number in (numbers.public_numbers.x, numbers.public_numbers.y, numbers.private_value)
    )
    return JsonWebKey(kty="EC", crv="P-256", x=x, y=y, d=d, key_ops=["sign", "verify"])


def test_rotation_makes_a_version_and_the_old_one_still_signs(ends: Endpoints, keys: KeyClient) -> None:
    first = keys.create_ec_key("turning", curve="P-256")
    second = keys.rotate_key("turning")
    signature = crypto(ends, first.id).sign(ES256, DIGEST).signature

    assert keys.get_key("turning").id == second.id != first.id
    assert [version.version for version in keys.list_properties_of_key_versions("turning")] == [
        first.properties.version,
        second.properties.version,
    ]
    assert not crypto(ends, second.id).verify(ES256, DIGEST, signature).is_valid


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enabled": False}, "KeyDisabled"),
        ({"expires_on": datetime(2020, 1, 1, tzinfo=UTC)}, "KeyExpired"),
        ({"not_before": datetime.now(UTC) + timedelta(days=1)}, "KeyNotYetValid"),
    ],
)
def test_a_key_that_may_not_sign_still_verifies(
    ends: Endpoints, keys: KeyClient, change: dict[str, Any], code: str
) -> None:
    """As Azure does: the operations that only look backward go on."""
    name = f"resting-{code.lower()}"
    key = keys.create_ec_key(name, curve="P-256")
    signature = crypto(ends, key.id).sign(ES256, DIGEST).signature
    keys.update_key_properties(name, key.properties.version, **change)

    with pytest.raises(HttpResponseError) as refusal:
        crypto(ends, key.id).sign(ES256, DIGEST)
    assert refusal.value.status_code == 403
    assert refusal.value.error.innererror["code"] == code  # type: ignore[union-attr]
    with pytest.raises(Refused, match=r"sign with key resting.*not allowed"):
        vault_key(ends, key).sign(b"a plan")
    assert crypto(ends, key.id).verify(ES256, DIGEST, signature).is_valid
    assert list(vault_key(ends, key).state().objections(datetime.now(UTC)))


def test_permissions_are_of_each_key(ends: Endpoints, keys: KeyClient) -> None:
    mine, others = (keys.create_ec_key(name, curve="P-256") for name in ("own-door", "own-log"))
    order(ends, "permissions", {"oid": PRINCIPAL, "permissions": {"own-door": ["get", "sign"]}})
    try:
        assert vault_key(ends, mine).sign(b"a plan")
        with pytest.raises(Refused, match="not authorized"):
            vault_key(ends, others).sign(b"a plan")
        with pytest.raises(Refused, match="not authorized"):
            vault_key(ends, others).state()
        with KeyClient(ends.vault, LocalIdentity(ends), retry_total=0) as app:
            for attempt in (lambda: app.create_ec_key("planted"), lambda: app.rotate_key("own-door")):
                with pytest.raises(HttpResponseError, match="DeniedWithNoValidRBAC"):
                    attempt()
    finally:
        order(ends, "permissions", {"oid": PRINCIPAL, "permissions": {"*": ["get", "sign", "verify"]}})


def test_a_key_that_may_be_used_and_not_read_signs(ends: Endpoints, keys: KeyClient) -> None:
    key = keys.create_ec_key("unread", curve="P-256")
    order(ends, "permissions", {"oid": PRINCIPAL, "permissions": {"unread": ["sign"]}})
    try:
        assert vault_key(ends, key).sign(b"a plan")
    finally:
        order(ends, "permissions", {"oid": PRINCIPAL, "permissions": {"*": ["get", "sign", "verify"]}})


def test_the_clients_ask_for_tokens_of_the_challenge_and_check_its_domain(ends: Endpoints, keys: KeyClient) -> None:
    officer = Officer(ends)
    with KeyClient(ends.vault, officer, retry_total=0) as client:
        list(client.list_properties_of_keys())
    # Under a name that the challenge's domain does not fit, the clients refuse to send a token.
    with (
        KeyClient(ends.vault.replace("127.0.0.1", "localhost"), officer, retry_total=0) as client,
        pytest.raises(ValueError, match="challenge"),
    ):
        client.get_key("round")

    assert officer.scopes == [f"https://0.0.1:{ends.keyvault}/.default"]


def test_strangers_get_a_challenge_and_nothing_else(ends: Endpoints) -> None:
    elsewhere = LocalIdentity(ends).get_token("https://storage.azure.com/.default").token
    for token in ("", "rubbish", elsewhere):
        response = raw(ends, "GET", "/keys?api-version=7.6", token)
        assert (response.status_code, response.json()["error"]["code"]) == (401, "Unauthorized")
        assert response.headers["WWW-Authenticate"].startswith('Bearer authorization="https://login.')
    token = LocalIdentity(ends).get_token("https://vault.azure.net/.default").token
    assert raw(ends, "GET", "/keys/x", token).json()["error"]["code"] == "BadParameter"

    class Expired:
        def get_token(self, *scopes: str, **kwargs: Any) -> Any:
            from azure.core.credentials import AccessToken

            return AccessToken("rubbish", 2**31)

    with KeyClient(ends.vault, Expired(), retry_total=0) as client, pytest.raises(ClientAuthenticationError):
        client.get_key("round")


def test_throttling_is_transient_and_with_a_header_put_off(ends: Endpoints, keys: KeyClient) -> None:
    key = vault_key(ends, keys.create_ec_key("busy", curve="P-256"))
    assert key.sign(b"a plan")
    order(ends, "throttle", {"requests": 1})
    with pytest.raises(Transient, match="429") as transient:
        key.sign(b"a plan")
    order(ends, "throttle", {"requests": 1, "retry_after": "7"})
    with pytest.raises(PutOff, match="7 s"):
        key.sign(b"a plan")

    assert not isinstance(transient.value, PutOff)
    assert key.sign(b"a plan")


@pytest.mark.parametrize(
    "address",
    [
        "https://kv.vault.azure.net/keys/door",
        "https://kv.vault.azure.net/keys/door/",
        "https://kv.vault.azure.net/secrets/door/" + "0" * 32,
        "https://kv.vault.azure.net/keys/door/" + "0" * 32 + "?x=y",
        "https://evil.example/keys/door/" + "0" * 32,
        "https://kv.vault.azure.net@evil.example/keys/door/" + "0" * 32,
        "http://kv.vault.azure.net/keys/door/" + "0" * 32,
    ],
)
def test_an_address_that_is_not_pinned_or_not_allowed_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(Refused):
        VaultKey(address, ("*.vault.azure.net",), None)  # type: ignore[arg-type]


def test_the_app_signs_with_the_keys_of_the_vault(ends: Endpoints) -> None:
    clients = Clients(read_settings())
    now = datetime.now(UTC)
    for purpose in Purpose:
        envelope = clients.signing.sign(purpose, STATEMENT_TYPE, b"{}")
        others = [other for other in Purpose if other is not purpose]

        assert envelope.signatures[0].keyid == f"{purpose}-vault-1"
        assert clients.signing.objection(purpose, envelope, now) == ""
        assert all(clients.signing.objection(other, envelope, now) for other in others)
        trusted = clients.signing_keys.trusted(purpose)
        assert trusted is not None
        assert trusted.jwk == clients.signing_keys.state(purpose).jwk


def test_what_was_signed_with_a_file_before_is_still_believed(cloud: LocalCloud, ends: Endpoints) -> None:
    files = signing_with_files(cloud)
    envelope = files.sign(Purpose.DOOR, STATEMENT_TYPE, b"{}")

    assert Clients(read_settings()).signing.objection(Purpose.DOOR, envelope, datetime.now(UTC)) == ""


def signing_with_files(cloud: LocalCloud) -> PurposeKeys:
    from shared.adapters.signing.key_files import open_key_file

    folder = cloud.state / "keys"
    addresses = {purpose: f"{purpose}-1@file:{folder / f'{purpose}.pem'}" for purpose in Purpose}
    return PurposeKeys(addresses, open_key_file, lambda: read_trusted_keys(folder / "trusted-keys.json"))


def test_keys_survive_a_kill(cloud: LocalCloud, ends: Endpoints, keys: KeyClient) -> None:
    key = keys.create_ec_key("lasting", curve="P-256")
    signature = crypto(ends, key.id).sign(ES256, DIGEST).signature
    cloud.kill_emulators()
    cloud.start_emulators()

    assert crypto(ends, key.id).verify(ES256, DIGEST, signature).is_valid


def test_deleting_is_refused_plainly(keys: KeyClient) -> None:
    keys.create_ec_key("kept", curve="P-256")
    with pytest.raises(HttpResponseError, match="does not have DELETE") as refusal:
        keys.begin_delete_key("kept")
    assert refusal.value.status_code == 501


def test_what_is_no_es256_is_refused(ends: Endpoints, keys: KeyClient) -> None:
    key = keys.create_ec_key("strict", curve="P-256", key_operations=["verify"])
    path = f"{str(key.id).removeprefix(ends.vault)}/sign?api-version=7.6"
    token = Officer(ends).get_token("https://vault.azure.net/.default").token
    bodies = [{"alg": "RS256", "value": "AA"}, {"alg": "ES256", "value": "AA"}, {"alg": "ES256", "value": "é"}]
    usable = keys.create_ec_key("usable", curve="P-256")
    answers = [raw(ends, "POST", path, token, json={"alg": "ES256", "value": "A" * 43})]
    path = f"{str(usable.id).removeprefix(ends.vault)}/sign?api-version=7.6"
    answers += [raw(ends, "POST", path, token, json=body) for body in bodies]
    answers.append(raw(ends, "POST", path, token, data=b"["))

    assert [answer.status_code for answer in answers] == [403, 400, 400, 400, 400]
    assert "KeyOperationForbidden" in json.dumps(answers[0].json())
    with pytest.raises(HttpResponseError, match="RSA"):
        keys.create_rsa_key("large")


def test_keys_are_rotated_in_the_vault_from_the_command_line(
    cloud: LocalCloud, ends: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the officer alone; the app's own identity makes none."""
    trusted = tmp_path / "trusted.json"
    command = ["keys", "new", "measuring", "--vault", ends.vault, "--trusted", str(trusted)]
    monkeypatch.setattr("signalbox.cli.commands.platform.keys.STATE", cloud.state)
    entries = []
    for _ in range(2):
        result = CliRunner().invoke(main, [*command, "--as", VAULT_OFFICER])
        assert result.exit_code == 0, result.output
        entries.append(result.output.strip().splitlines()[-1].rpartition(" ")[2])
    monkeypatch.setenv("SIGNALBOX_TRUSTED_KEYS", str(trusted))
    envelopes = []
    for entry in entries:
        monkeypatch.setenv("SIGNALBOX_SIGNING_KEYS", entry)
        clients = Clients(read_settings())
        envelopes.append(clients.signing.sign(Purpose.MEASURING, STATEMENT_TYPE, b"{}"))
    stranger = CliRunner().invoke(main, [*command, "--as", "ada@example.org"])

    assert [envelope.signatures[0].keyid for envelope in envelopes] == ["measuring-1", "measuring-2"]
    assert all(
        clients.signing.objection(Purpose.MEASURING, envelope, datetime.now(UTC)) == "" for envelope in envelopes
    )
    assert (stranger.exit_code, "not authorized" in stranger.output) == (2, True)
