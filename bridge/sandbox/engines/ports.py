"""Free ports that stay free."""

import random
import socket

# Below what Linux and macOS give to outgoing connections: while a killed broker is away, no client of
# anybody can be given its port.
LOWEST, HIGHEST = 20_000, 32_000
ATTEMPTS = 1_000


def free_ports(count: int) -> list[int]:
    """So many different ports of 127.0.0.1 that nobody listens on. Raises OSError where there are none."""
    found: list[int] = []
    for _ in range(ATTEMPTS):
        port = random.randrange(LOWEST, HIGHEST)  # noqa: S311 - nothing depends on its secrecy
        if port not in found and _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no free port between {LOWEST} and {HIGHEST} on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
