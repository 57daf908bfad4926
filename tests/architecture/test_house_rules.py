"""Rules of the house that a machine can check."""

import re
import tomllib
from pathlib import Path

MAX_MODULE_LINES = 400
TEXT_ENDINGS = {
    "", ".cfg", ".ini", ".json", ".lock", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip
ROOT_ENTRIES = {
    "LICENSE", "Makefile", "README.md", "docs", "napari.yaml", "pyproject.toml", "src", "tests",
    "training",
}  # fmt: skip

# Written in pieces, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a package index": re.compile(
        "|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "download" + r"\.pytorch\.org"))
    ),
    "an index option": re.compile(r"--(extra-)?" + r"index-url|--find" + r"-links[ =]\S*/"),
    "a machine's path": re.compile(r"(?<![\w.:/~])/(work|tmp|opt|home|root|Users)" + r"/\w"),
}


def text_of(path: Path) -> str | None:
    """A file's text, None for what is not text."""
    return path.read_text(encoding="utf-8") if path.suffix in TEXT_ENDINGS else None


def test_no_registry_host_and_no_machine_path(root: Path, tracked_files: list[Path]) -> None:
    found = [
        f"{path.relative_to(root)}: {what}: {hit.group()}"
        for path in tracked_files
        for what, pattern in FORBIDDEN.items()
        if (hit := pattern.search(text_of(path) or ""))
    ]
    assert not found


def test_modules_stay_short(root: Path, tracked_files: list[Path]) -> None:
    lengths = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked_files
        if path.suffix == ".py"
    }
    assert {name: n for name, n in lengths.items() if n > MAX_MODULE_LINES} == {}


def test_the_root_holds_only_what_the_design_names(root: Path, tracked_files: list[Path]) -> None:
    entries = {path.relative_to(root).parts[0] for path in tracked_files}
    assert {entry for entry in entries if not entry.startswith(".")} <= ROOT_ENTRIES


def test_tgcnet_keeps_its_annotations_at_run_time(root: Path) -> None:
    """Shapes are checked through jaxtyping, which has to see real annotations."""
    future = "from __future__ import " + "annotations"
    modules = root.glob("training/tgcnet/**/*.py")
    assert [m.name for m in modules if future in m.read_text(encoding="utf-8")] == []


def test_the_changelog_knows_this_version(root: Path) -> None:
    changelog = (root / "docs" / "changelog.md").read_text(encoding="utf-8")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## {project['version']}" in changelog
    assert "### Numerics" in changelog


def test_the_lock_pins_every_version_and_names_no_address(root: Path) -> None:
    lines = (root / ".ci" / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pin = re.compile(r"^[A-Za-z0-9._-]+==[^\s;]+( ; .+)?$")
    assert [line for line in lines if not pin.match(line)] == []


def test_the_lock_holds_every_direct_dependency(root: Path) -> None:
    lock = (root / ".ci" / "requirements.lock").read_text(encoding="utf-8")
    pinned = {normalised(line.split("==")[0]) for line in lock.splitlines()}
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"].values()
    wanted = {
        normalised(re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0])
        for line in [
            *settings["project"]["dependencies"],
            *settings["dependency-groups"]["dev"],
            *(line for extra in extras for line in extra),
        ]
    }
    assert wanted - pinned == {"napari-tgcnet"}
    assert {"torch", "torchvision", "pyside6"} <= pinned


def normalised(distribution: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
