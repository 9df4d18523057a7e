"""The dice of the simulator: one seed, and one stream of chance per purpose.

Streams are apart, so asking for more duplicates does not change the events themselves.
"""

from random import Random
from typing import Final
from uuid import UUID

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Dice(Random):
    """A stream of chance. Made from a text that names seed and purpose, e.g. `Dice("7/events")`."""

    def chance(self, share: float) -> bool:
        """True in that share of the cases."""
        return self.random() < share

    def token(self, characters: int) -> str:
        """Letters and digits, as Canvas's own uuids are."""
        return "".join(self.choices(_LETTERS, k=characters))

    def hex(self, characters: int) -> str:
        """Hexadecimal digits, as session ids are."""
        return f"{self.getrandbits(4 * characters):0{characters}x}"

    def uuid(self) -> str:
        """A random UUID."""
        return str(UUID(int=self.getrandbits(128), version=4))
