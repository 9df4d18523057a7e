"""The catalogue as a static site with search: a page per event."""

from collections.abc import Mapping
from pathlib import Path

from processors.exports.base import Material
from processors.exports.pages.site import pages
from processors.schemas.released import read_history


class HtmlExport:
    """Opens from the disk or from any web server; it loads nothing from elsewhere."""

    about = "Write a page per event for people: fields, sources, samples, history; with search."

    def files(self, material: Material, folder: Path) -> Mapping[str, str]:
        """The site. Samples are shown where they lie beside the schemas, as in a checkout of the project."""
        samples = material.avro.parent / "tests" / "events"
        return pages(material, samples, read_history(material.avro))
