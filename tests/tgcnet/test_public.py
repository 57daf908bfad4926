"""The package's public face: three names, loaded when used, and a version."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tgcnet


def test_public_names_are_those_of_their_rooms() -> None:
    from tgcnet.inference.predictor import load_predictor
    from tgcnet.io import load_volume
    from tgcnet.report import read_report

    assert tgcnet.load_predictor is load_predictor
    assert tgcnet.load_volume is load_volume
    assert tgcnet.read_report is read_report
    names: list[str] = vars(tgcnet)["__all__"]
    assert set(names) <= set(dir(tgcnet))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'tgcnet' has no attribute 'segment_all'"):
        getattr(tgcnet, "segment_all")  # noqa: B009 - no type knows it


def test_the_version_is_the_distributions() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert tgcnet.__version__ == project["version"]


def test_importing_does_nothing() -> None:
    code = (
        "import sys, importlib, warnings\n"
        "before, filters = set(sys.modules), list(warnings.filters)\n"
        "import tgcnet\n"
        "assert warnings.filters == filters\n"
        "assert set(sys.modules) - before == {'tgcnet'}, set(sys.modules) - before\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
