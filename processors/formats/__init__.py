"""The payload formats Canvas sends, in the order in which they are tried."""

from collections.abc import Mapping

from processors.formats.base import Format
from processors.formats.caliper import Caliper
from processors.formats.canvas import CanvasJson
from processors.records import SourceFormat

FORMATS: Mapping[SourceFormat, Format] = {
    SourceFormat.CALIPER: Caliper(),
    SourceFormat.CANVAS_JSON: CanvasJson(),
}
