"""Run the tests that are too long for ``make test`` and write the dated result.

The result goes to docs/test-long.md, which is committed. It holds test names, figures and versions,
no path of the machine.
"""

import datetime
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
REPORTED = ("torch", "torchvision", "open_clip_torch", "napari", "PySide6", "numpy", "monai")


def marker_expression() -> str:
    """Slow tests, and those that need a GPU where there is one; never the network."""
    import torch

    wanted = "(slow or gpu)" if torch.cuda.is_available() else "slow and not gpu"
    return f"{wanted} and not network"


def run(result_file: Path) -> tuple[int, str]:
    """Run pytest, pass its output on; its exit status and closing line."""
    command = [
        sys.executable, "-m", "pytest", "-m", marker_expression(), "--timeout=3600",
        f"--junitxml={result_file}",
    ]  # fmt: skip
    lines: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line)
    closing = re.sub(r"\x1b\[[0-9;]*m", "", lines[-1]).strip(" =\n") if lines else "no output"
    return process.returncode, closing


def outcome(case: ElementTree.Element) -> str:
    """passed, failed, error, or skipped with its reason."""
    for kind in ("failure", "error"):
        if case.find(kind) is not None:
            return "failed" if kind == "failure" else "error"
    skipped = case.find("skipped")
    return "passed" if skipped is None else f"skipped: {skipped.get('message', '')}"


def page(result_file: Path, closing: str) -> str:
    """Render the result as Markdown."""
    cases = ElementTree.parse(result_file).getroot().iter("testcase")
    rows = [
        f"| `{case.get('classname')}::{case.get('name')}` | {outcome(case)} "
        f"| {float(case.get('time', 0)):.1f} |"
        for case in cases
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in REPORTED)
    return "\n".join(
        [
            "# The long tests, last run",
            "",
            "Written by `make test-long`; do not edit by hand.",
            "",
            f"- Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            f"- Python {platform.python_version()}, {platform.system()} {platform.machine()}",
            f"- {versions}",
            f"- Result: {closing}",
            "",
            "| test | outcome | seconds |",
            "| --- | --- | ---: |",
            *rows,
            "",
        ]
    )


def main() -> int:
    """Run, write the page, hand pytest's status on."""
    with tempfile.TemporaryDirectory() as folder:
        result_file = Path(folder) / "result.xml"
        status, closing = run(result_file)
        if not result_file.exists():
            sys.stderr.write("pytest wrote no result; docs/test-long.md is left as it was.\n")
            return status or 1
        (ROOT / "docs" / "test-long.md").write_text(page(result_file, closing), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
