"""Which keys sign, and which are trusted, as the settings say.

It stands alone, because it alone knows key files and vaults both.
"""

from azure.core.credentials import TokenCredential

from shared.adapters.signing.purpose_keys import PrivateKey, PurposeKeys
from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.settings import Settings


def open_purpose_keys(settings: Settings, credential: TokenCredential) -> PurposeKeys:
    """The keys of *settings*; each is opened where the first statement of its purpose is signed."""

    def open_key(address: str) -> PrivateKey:
        if not address.startswith("https:"):
            from shared.adapters.signing.key_files import open_key_file

            return open_key_file(address)
        from shared.adapters.signing.key_vault import VaultKey

        return VaultKey(address, settings.key_vault_hosts, credential)

    return PurposeKeys(dict(settings.signing_keys), open_key, lambda: read_trusted_keys(settings.trusted_keys))
