"""The set of schemas after ours, one field and one event larger; and an image that has it."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from processors.catalogue import schema_folder
from tests.integration.image import TAG, docker, run

CHANGED: Final = "logged_in"
FIELD: Final = "mood"
NEW: Final = "campus_tour_booked"
FIND: Final = "from processors.catalogue import schema_folder; print(schema_folder())"


def write_next_set(folder: Path) -> None:
    """Our schemas, changed as one does: a nullable field for one event, a schema for another."""
    shutil.copytree(schema_folder(), folder, ignore=shutil.ignore_patterns("pages", "README.md"))
    path = folder / "events" / f"{CHANGED}.avsc"
    schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    (body,) = (field["type"] for field in schema["fields"] if field["name"] == "body")
    body["fields"].append(
        {"name": FIELD, "type": ["null", "string"], "default": None, "pii": "none", "doc": "A mood."}
    )
    path.write_text(json.dumps(schema), "utf-8")
    new = json.loads(path.read_text("utf-8").replace("LoggedIn", "CampusTourBooked"))
    del new["caliper"]
    (folder / "events" / f"{NEW}.avsc").write_text(json.dumps(new), "utf-8")


def image_of(image: str, avro: Path, folder: Path) -> str:
    """Builds the image that the next release would be, and returns its id."""
    place = run(image, "python", "-c", FIND).strip()
    context = folder / "context"
    shutil.copytree(avro, context / "avsc")
    (context / "Dockerfile").write_text(f"FROM {image}\nCOPY avsc {place}\n")
    return docker("build", "--quiet", "--tag", f"{TAG}-next", str(context)).split()[-1]
