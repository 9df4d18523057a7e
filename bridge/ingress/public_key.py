"""A public key of Canvas, and the name by which anybody can tell it again."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`thumbprint`: RFC 7638, with SHA-256, base64url without padding."""

    kid: str
    rsa: RSAPublicKey
    thumbprint: str

    @classmethod
    def of(cls, kid: str, rsa: RSAPublicKey) -> Self:
        """A key by its kid, thumbprint included."""
        jwk = RSAAlgorithm.to_jwk(rsa, as_dict=True)
        required = {name: jwk[name] for name in ("e", "kty", "n")}  # in this order, without white space
        digest = sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
        return cls(kid, rsa, urlsafe_b64encode(digest).decode().rstrip("="))
