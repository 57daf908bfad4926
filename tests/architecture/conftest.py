"""The tree under test, and what git would track of it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


LEFT_BY_TOOLS = {".venv", ".git", "__pycache__", "dist", "build", "site", "demo-out"}


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files outside tools' folders, which are not even entered: .venv is huge."""
    for path in folder.iterdir():
        if path.name in LEFT_BY_TOOLS or path.name.endswith(("_cache", ".egg-info")):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def project_files() -> list[Path]:
    """Files that are tracked or about to be; in a tree without git, all but what tools leave."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = list(_walk(ROOT))
    return sorted(path for path in found if path.is_file())


@pytest.fixture(scope="session")
def tracked_files() -> list[Path]:
    """Absolute paths of the project's own files."""
    return project_files()


@pytest.fixture(scope="session")
def tree(tracked_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree as a fresh clone has it: nothing git ignores, so no manifest inside the package."""
    clone = tmp_path_factory.mktemp("clone")
    for source in tracked_files:
        copied = clone / source.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copied)
    return clone
