"""Free ports that stay free."""

import atexit
import random
import socket
from typing import Final

# Below what Linux and macOS give to outgoing connections: while a killed broker is away, no client of
# anybody can be given its port.
LOWEST: Final = 20_000
HIGHEST: Final = 32_000
BLOCK: Final = 100

_left: list[int] = []


def free_ports(count: int) -> list[int]:
    """So many different ports of 127.0.0.1 that nobody listens on. Raises OSError where there are none.

    Each is given once in a process's life, and no other process is given it before that ends: what is
    slow to listen, or is killed and comes back, finds its port as it left it.
    """
    found: list[int] = []
    while len(found) < count:
        if not _left:
            _claim_block()
        port = _left.pop()
        if _is_free(port):
            found.append(port)
    return found


def _claim_block() -> None:
    """The UDP port of a block's first number is the flag that it is ours: held until this process ends."""
    for first in random.sample(range(LOWEST, HIGHEST, BLOCK), (HIGHEST - LOWEST) // BLOCK):
        flag = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            flag.bind(("127.0.0.1", first))
        except OSError:
            flag.close()
            continue
        atexit.register(flag.close)
        _left.extend(range(first, first + BLOCK))
        return
    raise OSError(f"no free port between {LOWEST} and {HIGHEST} on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
