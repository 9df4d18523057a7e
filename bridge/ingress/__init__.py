"""The doors Canvas delivers to: a name and a module each, which holds its `command` and its Door."""

from typing import Final

# Modules by name: importing one door must not load the libraries of the other.
DOORS: Final = {
    "webhook": "bridge.ingress.webhook",
    "sqs": "bridge.ingress.sqs",
}
