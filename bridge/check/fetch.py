"""One GET, with limits: what the checks of HTTP services stand on."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from bridge.check.base import ANSWER_SECONDS

MAX_BYTES: Final = 16 * 1_048_576


class NoAnswer(Exception):
    """There is no answer; the message gives the cause."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of any status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def get(url: str, headers: Mapping[str, str] | None = None, ca: str | None = None) -> Page:
    """The answer to a GET, redirects not followed. `ca`: a CA bundle (PEM). Raises NoAnswer."""
    if not url.lower().startswith(("http://", "https://")):
        raise NoAnswer("its URL is neither http nor https")
    try:
        request = Request(url, headers=dict(headers or {}))  # noqa: S310 - the scheme was looked at
        with _opener(url, ca).open(request, timeout=ANSWER_SECONDS) as answer:
            return Page(answer.status, _lower(answer.headers), _read(answer))
    except HTTPError as error:
        with error:
            return Page(error.code, _lower(error.headers), b"")
    except URLError as error:
        raise NoAnswer(str(error.reason)) from None
    except (OSError, ValueError) as error:  # ValueError: a URL that is none
        raise NoAnswer(str(error) or type(error).__name__) from None


def shown(url: str) -> str:
    """The URL without a user and password in it, and without its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a URL that is none"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Credentials and trust are for the address that was configured."""


def _opener(url: str, ca: str | None) -> OpenerDirector:
    # A proxy of the environment is for the world outside; plain http is for this network.
    proxies = [] if url.startswith("https:") else [ProxyHandler({})]
    return build_opener(HTTPSHandler(context=ssl.create_default_context(cafile=ca)), _NoRedirects(), *proxies)


def _read(answer: Any) -> bytes:
    content, end = bytearray(), time.monotonic() + ANSWER_SECONDS
    while chunk := answer.read1(65_536):
        content += chunk
        if len(content) > MAX_BYTES:
            raise NoAnswer(f"more than {MAX_BYTES:,} bytes")
        if time.monotonic() > end:
            raise NoAnswer(f"the answer is not complete after {ANSWER_SECONDS:g} s")
    return bytes(content)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
