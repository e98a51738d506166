"""Which keys sign, and which are trusted, as the settings say.

It stands alone, because it alone knows key files and vaults both.
"""

from collections.abc import Mapping
from pathlib import Path

from azure.core.credentials import TokenCredential

from shared.adapters.signing.purpose_keys import PrivateKey, PurposeKeys
from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.domain.trust.keys import Purpose


def open_purpose_keys(
    addresses: Mapping[Purpose, str], trusted_keys: Path | None, vaults: tuple[str, ...], credential: TokenCredential
) -> PurposeKeys:
    """The keys at *addresses*, by their purposes; each is opened where the first statement of its purpose is signed.

    *trusted_keys* is the file of the set of public keys, *vaults* are the hosts that a key's address may name.
    """

    def open_key(address: str) -> PrivateKey:
        if not address.startswith("https:"):
            from shared.adapters.signing.key_files import open_key_file

            return open_key_file(address)
        from shared.adapters.signing.key_vault import VaultKey

        return VaultKey(address, vaults, credential)

    return PurposeKeys(addresses, open_key, lambda: read_trusted_keys(trusted_keys))
