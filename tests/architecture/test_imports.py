"""Who may import whom, and what importing costs."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

SIDE_EFFECTS = """
import json, os, sys, warnings
filters, environment, path = list(warnings.filters), dict(os.environ), list(sys.path)
import {module}
heavy = {{"torch", "open_clip", "transformers", "timm", "monai", "lightning_fabric"}}
print(json.dumps({{
    "heavy": sorted(heavy & set(sys.modules)),
    "filters": warnings.filters == filters,
    "environment": dict(os.environ) == environment,
    "path": sys.path == path,
}}))
"""


def fresh_python(code: str) -> str:
    """Run ``code`` in an interpreter of its own; its standard output."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_contracts_hold(root: Path) -> None:
    script = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["tgcnet", "napari_tgcnet"])
def test_importing_a_package_does_nothing(module: str) -> None:
    seen = json.loads(fresh_python(SIDE_EFFECTS.format(module=module)))
    assert seen == {"heavy": [], "filters": True, "environment": True, "path": True}


@pytest.mark.parametrize(
    "module",
    [
        "napari_tgcnet._widget",
        "napari_tgcnet.segment.controller",
        "napari_tgcnet.shared.jobs",
        "tgcnet.corrections",
        "tgcnet.engine.client",
        "tgcnet.io",
        "tgcnet.report",
        "tgcnet.samples",
    ],
)
def test_the_windows_process_gets_no_torch(module: str) -> None:
    code = f"import sys, {module}; print('torch' in sys.modules)"
    assert fresh_python(code).strip() == "False"


def test_every_import_is_a_declared_dependency(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + extras["train"] + extras["dicom"] + extras["cluster"]
    declared = {normalised(re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0]) for line in requirements}
    providers = packages_distributions()
    undeclared = {
        f"{name} in {path.relative_to(root)}"
        for path in [*root.glob("src/**/*.py"), *root.glob("training/tgcnet/**/*.py")]
        for name in top_level_imports(path) - set(sys.stdlib_module_names)
        if name not in {"tgcnet", "napari_tgcnet"}
        and not declared & {normalised(dist) for dist in providers.get(name, [])}
    }
    assert not undeclared


def normalised(distribution: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def top_level_imports(path: Path) -> set[str]:
    """Top-level names of all packages that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
