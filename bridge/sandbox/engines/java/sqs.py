"""ElasticMQ, which speaks SQS."""

from pathlib import Path
from typing import Final

from bridge.sandbox.engines.java.child import Launch
from bridge.sandbox.engines.java.downloads import Program
from bridge.sandbox.engines.java.runtime import java_command
from bridge.sandbox.engines.ports import free_ports
from bridge.sandbox.engines.readiness import answers

PROGRAM: Final = Program("ElasticMQ 1.7.1", ("org.elasticmq:elasticmq-server_2.13:1.7.1",))

# host "*": a queue's URL begins with the address its client used.
_CONFIGURATION: Final = """\
include classpath("application.conf")
node-address {{ protocol = http, host = "*", port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-hostname = "127.0.0.1", bind-port = {port}, sqs-limits = strict }}
rest-stats {{ enabled = false }}
"""


def sqs_launch(folder: Path, class_path: str) -> tuple[Launch, str]:
    """How to run it, and its endpoint URL. Queues are in memory: a kill loses them."""
    (port,) = free_ports(1)
    file = folder / "sqs.conf"
    file.write_text(_CONFIGURATION.format(port=port))
    options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Dconfig.file={file}"]
    command = java_command(*options, "-cp", class_path, "org.elasticmq.server.Main")
    launch = Launch(
        PROGRAM.title, command, folder / "sqs.log", lambda: answers("127.0.0.1", port) is not None
    )
    return launch, f"http://127.0.0.1:{port}"
