"""The authority of one session: it signs one certificate for the public hosts, and its key is never written.

Its name constraints let it vouch for those hosts alone, so a client that trusts it trusts it for nothing else.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signalbox.emulators.public_names.hosts import domains
from signalbox.private_files import private_folder, write_private

LIFE = timedelta(days=30)
_CLOCK_SKEW = timedelta(minutes=10)
_NOT_USED = {"data_encipherment": False, "encipher_only": False, "decipher_only": False, "content_commitment": False}
_KEY_USES = {**_NOT_USED, "key_encipherment": False, "key_agreement": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCertificate:
    """PEM files: *ca* is for clients, *cert* and *key* are for the proxy."""

    ca: Path
    cert: Path
    key: Path


def session_certificate(folder: Path) -> SessionCertificate:
    """Where the files lie in *folder*."""
    return SessionCertificate(ca=folder / "authority.pem", cert=folder / "proxy.pem", key=folder / "proxy.key")


def write_session_certificate(folder: Path, names: Sequence[str]) -> SessionCertificate:
    """A fresh authority for *names* (`*.` begins a pattern), and the one certificate that it signs, in *folder*."""
    files = session_certificate(private_folder(folder))
    key, authority_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = make_authority(authority_key, domains(names))
    certificate = sign_certificate(key.public_key(), names, authority, authority_key)
    no_password = serialization.NoEncryption()
    key_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    write_private(files.key, key_pem)
    write_private(files.cert, certificate.public_bytes(serialization.Encoding.PEM))
    write_private(files.ca, authority.public_bytes(serialization.Encoding.PEM))
    return files


def make_authority(key: ec.EllipticCurvePrivateKey, permitted: Sequence[str]) -> x509.Certificate:
    """A root certificate that may sign for the domains *permitted*, for no other and for no address."""
    name = _name("Signalbox, public names of one session")
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(domain) for domain in permitted],
        excluded_subtrees=[x509.IPAddress(ipaddress.ip_network(network)) for network in ("0.0.0.0/0", "::/0")],
    )
    usage = x509.KeyUsage(**_KEY_USES, digital_signature=False, key_cert_sign=True, crl_sign=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def sign_certificate(
    key: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A server's certificate for *names*, signed by *authority*."""
    usage = x509.KeyUsage(**_KEY_USES, digital_signature=True, key_cert_sign=False, crl_sign=False)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(_name("Signalbox proxy"), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + LIFE)
    )
