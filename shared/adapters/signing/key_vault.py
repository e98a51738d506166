"""Private keys in Azure Key Vault: a digest goes in, a signature comes out, and the key never leaves the vault.

Contract: https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign. The SDK is imported with this module, so only
`shared.clients` imports it, when a key is opened.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from azure.core.credentials import TokenCredential
from azure.keyvault.keys import KeyClient, KeyCurveName, KeyOperation
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from shared.adapters.allowed_hosts import require_allowed_host
from shared.adapters.azure_faults import translated
from shared.adapters.sessions import transport
from shared.adapters.signing.public_keys import ec_jwk
from shared.domain.failures import Refused
from shared.domain.trust.key_states import KeyState

HOSTS_SETTING = "AZURE_KEY_VAULT_HOSTS"
_ADDRESS = re.compile(r"(?P<vault>https://[^/]+)/keys/(?P<name>[0-9a-zA-Z-]{1,127})/(?P<version>[0-9a-f]{32})")
_COORDINATE_BYTES = 32  # Key Vault answers ES256 as r and s side by side (RFC 7518, 3.4).
# A lost connection is tried again, because signing twice does no harm. An answer of the vault is not: an activity's
# retries wait for it, and a door tells its caller when to come again, where the SDK would sleep in the worker.
_RETRIES = {"retry_total": 2, "retry_status": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAddress:
    """The parts of a key's id in Key Vault; *vault* is its address without a path."""

    vault: str
    name: str
    version: str


def read_key_address(address: str, hosts: tuple[str, ...]) -> KeyAddress:
    """The parts of *address*. Raises Refused where it is no key id with a version, or not on one of *hosts*."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise Refused(
            f"SIGNALBOX_SIGNING_KEYS: {address[:200]!r} is not https://VAULT.vault.azure.net/keys/NAME/VERSION; "
            "the version is required, so that nobody can put another key under the name"
        )
    require_allowed_host(address, hosts, "the signing key", HOSTS_SETTING)
    return KeyAddress(vault=match["vault"], name=match["name"], version=match["version"])


class VaultKey:
    """Signs ES256 with the version of a key at *address*. Raises Refused where the address may not be used."""

    def __init__(self, address: str, hosts: tuple[str, ...], credential: TokenCredential) -> None:
        self._address, self._credential = read_key_address(address, hosts), credential
        self._client = CryptographyClient(address, credential, transport=transport(), **_RETRIES)

    def sign(self, content: bytes) -> bytes:
        """The ES256 signature of *content* as ASN.1 DER. Raises Refused or Transient."""
        with _vault_faults(f"sign with key {self._address.name}"):
            signature = self._client.sign(SignatureAlgorithm.es256, sha256(content).digest()).signature
        if len(signature) != 2 * _COORDINATE_BYTES:
            raise Refused(f"key {self._address.name} answered {len(signature)} bytes; it has to be an EC P-256 key")
        r, s = signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]
        return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))

    def state(self) -> KeyState:
        """The public key and what the vault says about it. Raises Refused or Transient."""
        address = self._address
        with (
            _vault_faults(f"read key {address.name}"),
            KeyClient(address.vault, self._credential, transport=transport(), **_RETRIES) as client,
        ):
            key: Any = client.get_key(address.name, address.version)
            properties = key.properties
            return KeyState(
                jwk=_jwk(key.key),
                enabled=properties.enabled is not False,
                exportable=bool(properties.exportable),
                not_before=properties.not_before,
                expires=properties.expires_on,
            )


def make_vault_key(
    vault: str, name: str, hosts: tuple[str, ...], credential: TokenCredential, *, hardware: bool = False
) -> tuple[str, dict[str, str]]:
    """A new version of the key *name*, which can only sign and verify: its address and its public JSON Web Key.

    Every version counts by itself, because addresses name one. Raises Refused or Transient.
    """
    require_allowed_host(vault, hosts, "the vault", HOSTS_SETTING)
    with (
        _vault_faults(f"make key {name}"),
        KeyClient(vault, credential, transport=transport(), **_RETRIES) as client,
    ):
        operations: list[str | KeyOperation] = [KeyOperation.sign, KeyOperation.verify]
        key: Any = client.create_ec_key(
            name, curve=KeyCurveName.p_256, key_operations=operations, hardware_protected=hardware
        )
        return str(key.id), _jwk(key.key)


def _jwk(key: Any) -> dict[str, str]:
    """Raises ValueError where *key* is not on P-256, and so cannot sign ES256."""
    if key.crv != "P-256":
        raise ValueError(f"its kind is {key.kty} {key.crv or ''}, not EC P-256")
    return ec_jwk(int.from_bytes(key.x), int.from_bytes(key.y))


@contextmanager
def _vault_faults(action: str) -> Iterator[None]:
    """Azure's errors as ours; a ValueError of the SDK is an answer that it does not trust, such as a challenge for
    another vault's tokens."""
    try:
        with translated(action):
            yield
    except ValueError as error:
        raise Refused(f"{action}: {error}") from error
