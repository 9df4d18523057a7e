"""The certificate of the webhook's own TLS, read again when its files change."""

import asyncio
import logging
import ssl
from hashlib import sha256
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509

from bridge.ingress.base import DoorBroken
from bridge.metrics import CERTIFICATE_EXPIRES
from bridge.rate_limit import RateLimit

RELOAD_SECONDS: Final = 10.0

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Certificate:
    """A certificate and its key. `context` is for the next connection; those that are open keep theirs."""

    def __init__(self, certificate: str, key: str) -> None:
        """Raises DoorBroken where the files are no certificate and its key."""
        self._files = (Path(certificate), Path(key))
        try:
            self._seen = self._fingerprint()
            self.context = self._load()
        except (OSError, ValueError) as error:
            raise DoorBroken(
                f"no TLS with {certificate} and {key}: {error}. Set BRIDGE_WEBHOOK__TLS_CERTIFICATE to "
                "a PEM chain, the server's own first, and BRIDGE_WEBHOOK__TLS_KEY to its key, not encrypted."
            ) from error

    async def watch(self) -> NoReturn:
        """Follows the files. A new certificate that is unusable is left until it is mended."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            self.refresh()

    def refresh(self) -> None:
        """Takes over what the files hold now, if that is new and usable."""
        try:
            fingerprint = self._fingerprint()
            if fingerprint == self._seen:
                return
            self.context = self._load()
        except (OSError, ValueError) as error:
            # Perhaps only one of the two is written yet. A renewal comes weeks before it is needed.
            log.warning("the new TLS certificate is unusable (%s): going on with the one at hand", error)
        else:
            self._seen = fingerprint
            log.info("took over a new TLS certificate from %s", self._files[0])

    def _fingerprint(self) -> bytes:
        # The content, for Kubernetes swaps links and a copy may keep its time.
        return b"".join(sha256(file.read_bytes()).digest() for file in self._files)

    def _load(self) -> ssl.SSLContext:
        chain, key = self._files
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # Without a password of ours, OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(chain, key, password="")
        expires = x509.load_pem_x509_certificate(chain.read_bytes()).not_valid_after_utc
        CERTIFICATE_EXPIRES.set(expires.timestamp())
        return context
