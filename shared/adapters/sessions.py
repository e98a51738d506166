"""HTTP sessions for many small requests to one host, from many threads at once.

`requests` reads the whole environment for each request anew, to find a proxy and the authorities to trust; here it is
asked once for each host. Every thread keeps its connection, where ten are kept otherwise and the others made anew.
"""

from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

_CONNECTIONS = 64
_CONNECT_S, _READ_S = 20, 60  # Those of azure.storage.blob.


class HostSession(requests.Session):
    """A change of the environment counts from the next start on."""

    def __init__(self) -> None:
        super().__init__()
        self._settings_by_url: dict[tuple[object, ...], dict[str, Any]] = {}
        self.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        # A proxy may be set for a scheme or excluded for a host (NO_PROXY), and never depends on the path.
        key = (urlsplit(url)[:2], stream, verify, cert)
        if key not in self._settings_by_url:
            self._settings_by_url[key] = super().merge_environment_settings(url, {}, stream, verify, cert)
        return dict(self._settings_by_url[key])


def transport() -> RequestsTransport:
    """For an Azure client."""
    return RequestsTransport(session=HostSession(), connection_timeout=_CONNECT_S, read_timeout=_READ_S)
