"""Which public host is which local service, and how an address is written on either side. Pure functions of a table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

REGION = "westeurope"
_MISSING_STORAGE = ("dfs", "queue", "table", "file")  # Services of a storage account that are not started.
# The first parts of the paths that Azure serves from the region's host, and the emulator from the one it has.
_DATA_PLANES = "discovery|mlflow|registrymanagement|history|artifact|metric|mferp"

Rule = tuple[re.Pattern[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServices:
    """The ports of the local services, and the names that they have on Azure."""

    ports: Mapping[str, int]
    accounts: Sequence[str]
    vault: str
    namespace: str

    def address(self, service: str) -> str:
        host = "127.0.0.1" if service == "keyvault" else "localhost"  # As each service calls itself.
        return f"https://{host}:{self.ports[service]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where requests to a public host go: *base* is put before their path.

    *names_addresses*: the JSON of requests and answers contains addresses, which each side writes in its own way.
    """

    base: str
    names_addresses: bool = True


class PublicHosts:
    """The list of public hosts that are reached; there is no way to any other."""

    def __init__(self, services: LocalServices) -> None:
        self._services = services
        self._singles = {
            "management.azure.com": services.address("azureml"),
            "login.microsoftonline.com": services.address("identity_tls"),
            "dev.azure.com": services.address("devops"),
            "vssps.dev.azure.com": services.address("devops"),
            f"{services.vault}.vault.azure.net": services.address("keyvault"),
        }
        self.namespace = f"{services.namespace}.servicebus.windows.net"
        self._accounts = "|".join(map(re.escape, services.accounts))
        self._to_public, self._to_local = self._public_rules(), self._local_rules()

    def destination(self, host: str, path: str = "/") -> Destination | None:
        """Where a request for *path* of *host* goes; None where the local cloud has no such service over HTTP."""
        host, azure_ml = host.lower(), self._services.address("azureml")
        if host in self._singles:
            return Destination(base=self._singles[host])
        if host == self.namespace:
            return Destination(base=self._services.address("servicebus_administration"), names_addresses=False)
        if host.endswith(".api.azureml.ms"):
            return Destination(base=azure_ml)
        account = re.fullmatch(rf"({self._accounts})\.blob\.core\.windows\.net", host)
        if account:
            return Destination(base=f"{self._services.address('storage')}/{account[1]}", names_addresses=False)
        endpoint = re.fullmatch(rf"([\w-]+)\.{REGION}\.inference\.ml\.azure\.com", host)
        if not endpoint:
            return None
        is_batch = path.startswith("/jobs")  # Names are unique in a region: the path says which kind has this one.
        base = f"{azure_ml}/{'batch' if is_batch else 'online'}/{endpoint[1]}"
        return Destination(base=base, names_addresses=is_batch)

    def is_missing(self, host: str) -> bool:
        """Whether *host* is a service of Azure that the local cloud knows by name and does not have."""
        kinds = "|".join(_MISSING_STORAGE)
        return re.fullmatch(rf"({self._accounts})\.({kinds})\.core\.windows\.net", host.lower()) is not None

    def is_listed(self, host: str) -> bool:
        """Whether the proxy opens a connection to *host*."""
        return self.destination(host) is not None or self.is_missing(host)

    def certificate_names(self) -> list[str]:
        """The names of all listed hosts, as a certificate has them."""
        storage = [
            f"{account}.{kind}.core.windows.net"
            for account in self._services.accounts
            for kind in ("blob", *_MISSING_STORAGE)
        ]
        patterns = ["*.api.azureml.ms", f"*.{REGION}.inference.ml.azure.com"]
        return [*self._singles, *storage, self.namespace, *patterns]

    def to_public(self, text: str) -> str:
        """*text* with the addresses of the local cloud written as those of Azure."""
        return _rewrite(self._to_public, text)

    def to_local(self, text: str) -> str:
        """*text* with the addresses of Azure written as those of the local cloud."""
        return _rewrite(self._to_local, text)

    def _public_rules(self) -> list[Rule]:
        azure_ml, port = self._services.address("azureml"), self._services.ports["azureml"]
        return [
            # What the vault's tokens are for: on loopback it is a part of the vault's own address.
            _rule(rf"https://0\.0\.1:{self._services.ports['keyvault']}(?!\d)", "https://vault.azure.net"),
            _rule(
                rf"{self._services.address('storage')}/({self._accounts})(?![\w-])", r"https://\1.blob.core.windows.net"
            ),
            _rule(rf"{azure_ml}/(?:batch|online)/([\w-]+)", rf"https://\1.{REGION}.inference.ml.azure.com"),
            _rule(rf"(https|azureml)://localhost:{port}(?=/(?:{_DATA_PLANES})\b)", rf"\1://{REGION}.api.azureml.ms"),
            *(_rule(rf"{address}(?!\d)", f"https://{host}") for host, address in self._singles.items()),
        ]

    def _local_rules(self) -> list[Rule]:
        azure_ml, port = self._services.address("azureml"), self._services.ports["azureml"]
        endpoint = rf"https://([\w-]+)\.{REGION}\.inference\.ml\.azure\.com"
        return [
            _rule(
                rf"https://({self._accounts})\.(?:blob|dfs)\.core\.windows\.net",
                rf"{self._services.address('storage')}/\1",
            ),
            _rule(rf"{endpoint}(?=/jobs)", rf"{azure_ml}/batch/\1"),
            _rule(endpoint, rf"{azure_ml}/online/\1"),
            _rule(r"(https|azureml)://\w+\.api\.azureml\.ms", rf"\1://localhost:{port}"),
            *(_rule(rf"https://{re.escape(host)}(?![\w.-])", address) for host, address in self._singles.items()),
        ]


def domains(names: Iterable[str]) -> list[str]:
    """The domains within which an authority for *names* may issue certificates."""
    return sorted({name.removeprefix("*.") for name in names})


def _rule(pattern: str, replacement: str) -> Rule:
    return re.compile(pattern), replacement


def _rewrite(rules: Iterable[Rule], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text
