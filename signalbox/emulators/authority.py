"""One local certificate authority per state folder, kept, so that clients trust it across restarts."""

from dataclasses import dataclass
from pathlib import Path

import trustme

from signalbox.private_files import private_folder, write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """*ca* is what clients trust; *cert* and *key* are the servers' (localhost and 127.0.0.1), PEM files all."""

    ca: Path
    cert: Path
    key: Path


def ensure_authority(state: Path) -> Authority:
    """The authority of *state*, made at the first call."""
    folder = state / "certs"
    authority = Authority(ca=state / "ca.pem", cert=folder / "server.pem", key=folder / "server.key")
    return _ensured(authority, "Signalbox local authority")


def ensure_ledger_identity(state: Path) -> Authority:
    """The emulated ledger's own, which no authority has signed: the identity service gives its *ca* to clients."""
    folder = state / "certs"
    own = Authority(ca=folder / "ledger-ca.pem", cert=folder / "ledger.pem", key=folder / "ledger.key")
    return _ensured(own, "Signalbox local ledger")


def _ensured(authority: Authority, organisation: str) -> Authority:
    if not (authority.ca.is_file() and authority.cert.is_file() and authority.key.is_file()):
        private_folder(authority.key.parent)
        _make(authority, organisation)
    return authority


def _make(authority: Authority, organisation: str) -> None:
    ca = trustme.CA(organization_name=organisation)
    server = ca.issue_cert("localhost", "127.0.0.1")
    write_private(authority.key, server.private_key_pem.bytes())
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    write_private(authority.cert, chain)
    write_private(authority.ca, ca.cert_pem.bytes())
