"""The set-up job of compose.yaml: waits for the servers, then makes the queue, topics and subjects."""

import os
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

PATIENCE_SECONDS = 600.0  # the first start of a busy laptop
TRIES = 3


def main() -> None:
    """Ends with the status of the first step that fails."""
    queue = urlsplit(os.environ["BRIDGE_SQS__QUEUE_URL"])
    name = queue.path.rsplit("/", 1)[-1]
    wait_for(os.environ["KAFKA_BOOTSTRAP_SERVERS"])
    wait_for(urlsplit(os.environ["SCHEMA_REGISTRY_URL"]).netloc)
    wait_for(queue.netloc)
    insist(f"{os.environ['SCHEMA_REGISTRY_URL']}/subjects")
    # Making a queue that is there changes nothing.
    insist(f"{queue.scheme}://{queue.netloc}/?Action=CreateQueue&QueueName={name}")
    print(f"queue {name} is there", flush=True)
    for step in (("topics", "create"), ("schemas", "register")):
        take(step)


def take(step: tuple[str, str]) -> None:
    """Runs it again where a server that has just started was too slow: done twice it is done once."""
    status = 0
    for _ in range(TRIES):
        status = subprocess.run(["canvas-processors", *step], check=False).returncode
        if status == 0:
            return
        print(f"{' '.join(step)} ended with status {status}", flush=True)
    sys.exit(status)


def wait_for(address: str) -> None:
    """Until somebody listens there."""
    host, port = address.rsplit(":", 1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError as error:
            give_up_after(deadline, f"{address}: {error}")
        else:
            print(f"{address} answers", flush=True)
            return


def insist(url: str) -> None:
    """Asks until the answer is 200."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urlopen(url, timeout=10):
                return
        except (URLError, OSError) as error:
            give_up_after(deadline, f"{url}: {error}")


def give_up_after(deadline: float, trouble: str) -> None:
    """A pause between two tries, or the end."""
    if time.monotonic() > deadline:
        sys.exit(f"gave up: {trouble}")
    time.sleep(0.5)


if __name__ == "__main__":
    main()
