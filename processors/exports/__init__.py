"""The catalogue for other tools: a family, one file a member."""

from typing import Final

from processors.exports.avro import AvroExport
from processors.exports.base import Export
from processors.exports.html import HtmlExport
from processors.exports.python import PythonExport

# The name is the option of `canvas-processors schemas export`.
EXPORTS: Final[dict[str, Export]] = {
    "avro": AvroExport(),
    "html": HtmlExport(),
    "python": PythonExport(),
}
