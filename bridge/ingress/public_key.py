"""A public key of Canvas, and the name by which anybody can tell it again."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from bridge.contract import SIGNATURE_ALG, SIGNATURE_KID, SIGNATURE_THUMBPRINT, Headers

ALGORITHM: Final = "RS256"


@dataclass(frozen=True, slots=True, eq=False)
class PublicKey:
    """`thumbprint`: RFC 7638, with SHA-256, base64url without padding. `headers` name the key on a record.

    Equal to itself alone, for it is asked for its hash at every delivery.
    """

    kid: str
    rsa: RSAPublicKey
    thumbprint: str
    headers: Headers

    @classmethod
    def of(cls, kid: str, rsa: RSAPublicKey) -> Self:
        """A key by its kid, thumbprint included."""
        jwk = RSAAlgorithm.to_jwk(rsa, as_dict=True)
        required = {name: jwk[name] for name in ("e", "kty", "n")}  # in this order, without white space
        digest = sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
        thumbprint = urlsafe_b64encode(digest).rstrip(b"=")
        headers = (
            (SIGNATURE_KID, kid.encode()),
            (SIGNATURE_ALG, ALGORITHM.encode()),
            (SIGNATURE_THUMBPRINT, thumbprint),
        )
        return cls(kid, rsa, thumbprint.decode(), headers)
