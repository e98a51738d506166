"""Who may use which entity: tokens put on `$cbs`, signed by a shared access key or issued by the local tenant."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from urllib.parse import parse_qs, unquote, urlsplit

AUDIENCES = ("https://servicebus.azure.net",)
_SAS = "SharedAccessSignature "


class Access:
    """*keys* by policy name; *accepts* says whether a JWT lives and is for one of the audiences."""

    def __init__(
        self, keys: Mapping[str, str], accepts: Callable[[str, Sequence[str]], bool], clock: Callable[[], float]
    ) -> None:
        self._keys, self._accepts, self._clock = keys, accepts, clock

    def opens(self, token: str, audience: str) -> bool:
        """Whether *token* opens the address *audience*, such as `sb://localhost:5672/orders`."""
        if token.startswith(_SAS):
            return self._has_signature(token.removeprefix(_SAS), path_of(audience))
        return self._accepts(token, AUDIENCES)

    def _has_signature(self, fields: str, path: str) -> bool:
        raw = dict(part.partition("=")[::2] for part in fields.split("&"))
        fields_by_name = {name: values[0] for name, values in parse_qs(fields).items()}
        key, expiry = self._keys.get(fields_by_name.get("skn", "")), fields_by_name.get("se", "")
        if key is None or not expiry.isdigit() or int(expiry) <= self._clock():
            return False
        signature = hmac.new(key.encode(), f"{raw.get('sr', '')}\n{expiry}".encode(), sha256).digest()
        covers = is_covered(path, path_of(unquote(raw.get("sr", ""))))
        return covers and hmac.compare_digest(b64encode(signature).decode(), fields_by_name.get("sig", ""))


def path_of(address: str) -> str:
    """The entity in an address, in small letters: of `sb://host:5672/Orders/` it is `orders`."""
    parts = urlsplit(address)
    return (parts.path if parts.scheme else address).strip("/").lower()


def is_covered(path: str, by: str) -> bool:
    """Whether the permission for *by* is one for *path*."""
    return by == "" or path == by or path.startswith(f"{by}/")
