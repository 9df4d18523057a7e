"""Our schemas against a registry: compared, registered; `command` is the front."""
