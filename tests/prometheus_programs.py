"""Prometheus's own programs, where they are: Debian has both in its package prometheus."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`. A skip where it is missing, with IT_REQUIRED=1 a failure."""
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is missing: install Prometheus (Debian: apt-get install prometheus)"
        if os.environ.get("IT_REQUIRED") == "1":
            pytest.fail(f"IT_REQUIRED=1, but {missing}")
        pytest.skip(missing)
    return found
