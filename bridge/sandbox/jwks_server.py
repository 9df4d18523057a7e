"""The simulator's signing keys, and a small server for their public halves.

As Instructure publishes them: a JWK Set (RFC 7517) of three keys, previous, current and next; the current
one signs; a `kid` is the time the key was made.
"""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt import PyJWTError
from jwt.algorithms import RSAAlgorithm

JWKS_PATH: Final = "/jwks"
ROTATION: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """RSA keys by `kid`, oldest first; the middle one signs."""

    keys: Mapping[str, RSAPrivateKey]

    @classmethod
    def generate(cls) -> Self:
        """Three new keys: of a month ago, of now, of a month ahead."""
        now = datetime.now(UTC)
        times = (now - ROTATION, now, now + ROTATION)
        return cls({f"{time:%Y-%m-%dT%H:%M:%SZ}": generate_private_key(65537, 2048) for time in times})

    @classmethod
    def load(cls, path: Path) -> Self:
        """The keys of a file that `save` wrote. Raises ValueError where it is none, or OSError."""
        try:
            entries = json.loads(path.read_bytes())["keys"]
            keys = {str(entry["kid"]): RSAAlgorithm.from_jwk(entry) for entry in entries}
        except (KeyError, TypeError, ValueError, PyJWTError) as error:
            raise ValueError(f"{path} is no JWK Set of private RSA keys: {error!r}") from error
        private = {kid: key for kid, key in keys.items() if isinstance(key, RSAPrivateKey)}
        if not private:
            raise ValueError(f"{path} has no private RSA key")
        return cls(private)

    @property
    def current(self) -> tuple[str, RSAPrivateKey]:
        """The `kid` and key that sign."""
        return list(self.keys.items())[len(self.keys) // 2]

    def save(self, path: Path) -> None:
        """Writes the private keys, for the owner's eyes only; a reader sees the whole file or none."""
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps({"keys": [_jwk(kid, key) for kid, key in self.keys.items()]}))
        beside.replace(path)

    def public(self) -> bytes:
        """The public halves as a JWK Set, as a receiver fetches them."""
        return json.dumps({"keys": [_jwk(kid, key.public_key()) for kid, key in self.keys.items()]}).encode()


def keys_of(path: Path | None) -> SigningKeys:
    """The keys of a file; new ones where there is no file yet, which are kept there."""
    if path is None:
        return SigningKeys.generate()
    if path.exists():
        return SigningKeys.load(path)
    keys = SigningKeys.generate()
    keys.save(path)
    return keys


class JwksServer:
    """Serves the public keys on loopback from a thread of its own, until closed.

    Raises OSError where the port is taken; port 0 chooses a free one.
    """

    def __init__(self, keys: SigningKeys, port: int = 0) -> None:
        document = keys.public()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = self.path == JWKS_PATH
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(document) if found else 0))
                self.end_headers()
                self.wfile.write(document if found else b"")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
                """A fetch of keys is not worth a line."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{JWKS_PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="jwks", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _jwk(kid: str, key: Any) -> dict[str, Any]:
    jwk: dict[str, Any] = RSAAlgorithm.to_jwk(key, as_dict=True)
    # PyJWT states what the key is for in key_ops; receivers look for alg and use.
    del jwk["key_ops"]
    return {**jwk, "kid": kid, "alg": "RS256", "use": "sig"}
