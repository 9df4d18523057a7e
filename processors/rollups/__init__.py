"""The rollups: windows over typed topics, each published to a compacted topic of its own."""

from collections.abc import Mapping
from typing import Final

from processors.rollups.base import Rollup
from processors.rollups.course_progress import CourseProgress

ROLLUPS: Final[Mapping[str, Rollup]] = {member.name: member for member in (CourseProgress(),)}
