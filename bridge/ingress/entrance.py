"""Which requests come in at all: the path, the method, and for plain deliveries a shared secret."""

from hmac import compare_digest
from typing import Final

from bridge.door_settings import WebhookSettings
from bridge.ingress.base import Refused
from bridge.ingress.request import Request

METHOD: Final = "POST"


class Entrance:
    """The one path of the webhook, and beneath it, one segment deep, the secrets.

    A wrong secret is answered as a wrong path is (404): in the path it is one, and a stranger is not told
    that there is a secret to guess. Only the metric's reason tells the two apart.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        self._path = settings.path
        self._beneath = settings.path.rstrip("/") + "/"
        self._header = settings.secret_header
        secrets = (settings.secret, settings.secret_previous)
        self._secrets = [secret.get_secret_value().encode() for secret in secrets if secret]

    @property
    def guarded(self) -> bool:
        """Whether plain deliveries must show a secret."""
        return bool(self._secrets)

    def admits(self, request: Request) -> bool:
        """Whether a plain delivery may come in too, and not a signed one alone.

        Raises Refused: path, secret, method.
        """
        trusted = self._trusts(request)
        if request.method != METHOD:
            raise Refused("method")
        return trusted

    def _trusts(self, request: Request) -> bool:
        # The path as it was sent is compared first: to decode it takes longer than all the rest.
        path = self._path if request.target == self._path else request.path
        if path == self._path:
            return not self._secrets or self._is_secret(request.headers.get(self._header, ""))
        segment = path.removeprefix(self._beneath)
        if not self._secrets or segment == path or "/" in segment or not segment:
            raise Refused("path")
        if not self._is_secret(segment):
            raise Refused("secret")
        return True

    def _is_secret(self, shown: str) -> bool:
        # Every value is compared, each in constant time: how long it takes says nothing.
        content = shown.encode("utf-8", "surrogateescape")
        return sum(compare_digest(secret, content) for secret in self._secrets) > 0
