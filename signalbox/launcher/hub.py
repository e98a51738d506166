"""The real storage client on the local hub, with the local identity."""

from typing import Any

import requests
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient

from signalbox.launcher.endpoints import ACCOUNT, Endpoints


class LocalIdentity:
    """A TokenCredential for one local cloud: several may run at once, so it reads no environment."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """A token from the managed identity endpoint (App Service protocol 2019-08-01)."""
        del kwargs
        answer = requests.get(
            f"http://127.0.0.1:{self._endpoints.identity}/msi/token",
            params={"api-version": "2019-08-01", "resource": scopes[0].removesuffix("/.default")},
            headers={"X-IDENTITY-HEADER": self._endpoints.identity_secret},
            timeout=10,
        )
        answer.raise_for_status()
        body = answer.json()
        return AccessToken(body["access_token"], int(body["expires_on"]))


def hub_client(endpoints: Endpoints, account: str = ACCOUNT) -> BlobServiceClient:
    """A client of an account's blob service, the hub's by default; close it, or use it in a `with`."""
    address = endpoints.account(account)
    return BlobServiceClient(address, credential=LocalIdentity(endpoints), connection_verify=str(endpoints.ca))
