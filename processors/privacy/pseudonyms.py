"""Pseudonyms: a keyed hash in place of a text, the same wherever the text occurs."""

import hmac
from functools import lru_cache
from typing import Final

LEAST_CHARACTERS: Final = 32
_PREFIX: Final = "hmac-"
_BYTES: Final = 16  # of 32: two of a million million texts meet with a chance of 1 in 10^15
_REMEMBERED: Final = 16_384  # users and sessions come again and again, and a hash takes 1.5 us


class Pseudonyms:
    """Makes `hmac-` and 32 hexadecimal digits of a text: HMAC-SHA256 under the key, cut to 128 bits.

    `key_id` follows from the key, so another key cannot bear the same one. Raises ValueError for a key that
    is too short: Canvas ids can be counted through, and only the key keeps a pseudonym from being undone.
    """

    def __init__(self, key: str) -> None:
        secret = key.strip().encode()
        if len(secret) < LEAST_CHARACTERS:
            raise ValueError(
                f"the key of the privacy policy must have {LEAST_CHARACTERS} characters or more. "
                "Make one, e.g. with `openssl rand -base64 32`, and set PROCESSORS_PRIVACY__KEY"
            )
        self.key_id = hmac.digest(secret, b"canvas-bridge key id", "sha256")[:4].hex()

        @lru_cache(_REMEMBERED)
        def of(text: str) -> str:
            return _PREFIX + hmac.digest(secret, text.encode(), "sha256")[:_BYTES].hex() if text else text

        self.of = of
        """The pseudonym of a text; an empty text stays empty, for it names nobody."""
