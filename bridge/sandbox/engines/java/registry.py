"""Apicurio Registry, asked through its Confluent API."""

from pathlib import Path
from typing import Final

from bridge.sandbox.engines.java.child import Launch
from bridge.sandbox.engines.java.downloads import Program
from bridge.sandbox.engines.java.runtime import java_command
from bridge.sandbox.engines.ports import free_ports
from bridge.sandbox.engines.readiness import answers

PROGRAM: Final = Program(
    "Apicurio Registry 3.3.3",
    ("io.apicurio:apicurio-registry-app:3.3.3",),
    packaging="tar.gz",
    classifier="all",
)
API_PATH: Final = "/apis/ccompat/v7"


def registry_launch(folder: Path, program: Path) -> tuple[Launch, str]:
    """How to run it, and the base URL of its API. Its database is a file: it survives a kill."""
    port, management_port = free_ports(2)
    # WRITE_DELAY=0: what it has answered is on disk when it is killed.
    environment = {
        "QUARKUS_HTTP_HOST": "127.0.0.1",
        "QUARKUS_HTTP_PORT": str(port),
        "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
        "QUARKUS_MANAGEMENT_PORT": str(management_port),
        "APICURIO_STORAGE_KIND": "sql",
        "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{folder / 'registry'};WRITE_DELAY=0",
    }
    command = [
        *java_command("-Xmx256m", "-XX:TieredStopAtLevel=1"),
        "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
        "-jar",
        str(program / "quarkus-run.jar"),
    ]
    log = folder / "registry.log"

    def ready() -> bool:
        return answers("127.0.0.1", management_port, "/health/ready") == 200

    launch = Launch(PROGRAM.title, command, log, ready, environment)
    return launch, f"http://127.0.0.1:{port}{API_PATH}"
