"""Certificates for the tests of TLS, made on the spot."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(name: str) -> bytes:
    """A certificate of its own for localhost, PEM; `name` is its common name and that of its key."""
    subject = _named(name)
    return (
        _builder(subject, name)
        .issuer_name(subject)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(_key(name), SHA256())
        .public_bytes(Encoding.PEM)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject: x509.Name, key: str) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(_key(key).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def private_key(name: str, password: bytes | None = None) -> bytes:
    """The certificate's key, PEM."""
    protection = BestAvailableEncryption(password) if password else NoEncryption()
    return _key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def write(folder: Path, name: str) -> dict[str, Any]:
    """Both files, as settings."""
    files = folder / "tls.crt", folder / "tls.key"
    files[0].write_bytes(certificate(name))
    files[1].write_bytes(private_key(name))
    return {"tls_certificate": str(files[0]), "tls_key": str(files[1])}


def authority(name: str) -> bytes:
    """The certificate of an authority, PEM."""
    subject = _named(name)
    return (
        _builder(subject, name)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(_key(name).public_key()), critical=False)
        .sign(_key(name), SHA256())
        .public_bytes(Encoding.PEM)
    )


def issued(name: str, issuer: str, hosts: Sequence[str]) -> bytes:
    """A server's certificate for these host names and 127.0.0.1, PEM; `issuer` is an authority's name."""
    own: list[x509.GeneralName] = [*map(x509.DNSName, hosts), x509.IPAddress(IPv4Address("127.0.0.1"))]
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(_key(issuer).public_key())
    return (
        _builder(_named(name), name)
        .issuer_name(_named(issuer))
        .add_extension(x509.SubjectAlternativeName(own), critical=False)
        .add_extension(above, critical=False)
        .sign(_key(issuer), SHA256())
        .public_bytes(Encoding.PEM)
    )
