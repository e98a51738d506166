"""What unmodified Azure clients need to reach a running local cloud, for as long as it runs and no longer.

Each start makes a fresh session: a port, the proxy's credential, a client secret, a certificate and its authority.
"""

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signalbox.launcher.endpoints import ACCOUNTS, TENANT, Endpoints, MlScope, free_ports
from signalbox.private_files import private_folder, write_private

NAMESPACE, VAULT = "sb-signalbox", "kv-signalbox"
CLIENT_ID = "00000000-0000-0000-0000-0000000000dd"  # The application that clients sign in as, and
CLIENT_PRINCIPAL = "00000000-0000-0000-0000-0000000000de"  # its service principal.
PROXY_VARIABLES = (
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"),
    *("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"),
)
CLIENT_VARIABLES = (
    *PROXY_VARIABLES,
    *("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TOKEN_CREDENTIALS"),
)
_DIRECT = "localhost,127.0.0.1,::1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSession:
    """*port* is the proxy's; *folder* holds the files of the session and is gone when the cloud stops."""

    folder: str
    port: int
    proxy_secret: str
    client_secret: str

    @property
    def bundle(self) -> Path:
        """The authorities that a client trusts: that of the public names, and that of the local cloud."""
        return Path(self.folder) / "authorities.pem"


def open_session(endpoints: Endpoints) -> ClientSession:
    """A fresh session in the state folder; what an earlier one had is worth nothing from now on."""
    from signalbox.emulators.public_names.certificates import write_session_certificate
    from signalbox.emulators.public_names.hosts import PublicHosts

    close_session(endpoints)
    folder = private_folder(_folder(endpoints))
    session = ClientSession(
        folder=str(folder),
        port=free_ports(1)[0],
        proxy_secret=secrets.token_urlsafe(24),
        client_secret=secrets.token_urlsafe(24),
    )
    names = PublicHosts(local_services(endpoints)).certificate_names()
    certificate = write_session_certificate(folder, names)
    write_private(session.bundle, certificate.ca.read_bytes() + endpoints.ca.read_bytes())
    write_private(folder / "session.json", json.dumps(asdict(session)))
    return session


def read_session(endpoints: Endpoints) -> ClientSession | None:
    """The session of the running cloud; None where none runs."""
    file = _folder(endpoints) / "session.json"
    return ClientSession(**json.loads(file.read_text())) if file.is_file() else None


def close_session(endpoints: Endpoints) -> None:
    """Remove the session's files."""
    shutil.rmtree(_folder(endpoints), ignore_errors=True)


def local_services(endpoints: Endpoints) -> Any:
    """The local services and their names on Azure, as the proxy's table of hosts takes them."""
    from signalbox.emulators.public_names.hosts import LocalServices

    ports = {name: getattr(endpoints, name) for name in ("azureml", "identity_tls", "devops", "keyvault", "storage")}
    return LocalServices(ports=ports, accounts=ACCOUNTS, vault=VAULT, namespace=NAMESPACE)


def client_environment(session: ClientSession) -> dict[str, str]:
    """The variables that Azure's clients, requests, curl and OpenSSL read."""
    proxy, bundle = f"http://signalbox:{session.proxy_secret}@127.0.0.1:{session.port}", str(session.bundle)
    values = (
        *(proxy, proxy, _DIRECT, _DIRECT),  # Clients differ in which of the two forms of a name they read.
        *(bundle, bundle, bundle),
        *("login.microsoftonline.com", TENANT, CLIENT_ID, session.client_secret),
        "prod",  # The group of DefaultAzureCredential's sources to which EnvironmentCredential belongs.
    )
    return dict(zip(CLIENT_VARIABLES, values, strict=True))


def outer_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """*variables* without those that `signalbox env` has set: the local cloud's own processes are none of its clients.

    A shell keeps them while the cloud is stopped and started again.
    """
    own = CLIENT_VARIABLES if variables.get("AZURE_CLIENT_ID") == CLIENT_ID else ()
    return {name: value for name, value in variables.items() if name not in own}


def workspace_config(workspace: MlScope) -> dict[str, str]:
    """What `MLClient.from_config` reads, as the studio lets one download it."""
    return {
        "subscription_id": workspace.subscription,
        "resource_group": workspace.resource_group,
        "workspace_name": workspace.name,
    }


def _folder(endpoints: Endpoints) -> Path:
    return Path(endpoints.state) / "session"
