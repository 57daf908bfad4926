"""The hosted checks: they cannot run here, so what a linter of workflows sees is seen to here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")


@pytest.fixture(scope="module")
def workflow_file(root: Path) -> Path:
    return root / ".github" / "workflows" / "ci.yml"


@pytest.fixture(scope="module")
def jobs(workflow_file: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(workflow_file.read_text(encoding="utf-8"))["jobs"]
    return jobs


def test_the_schema_of_workflows_holds(workflow_file: Path) -> None:
    arguments = ["--builtin-schema", "vendor.github-workflows", str(workflow_file)]
    answer = CliRunner().invoke(check_jsonschema, arguments)
    assert answer.exit_code == 0, answer.output


def test_every_job_waits_for_one_that_is_there(jobs: dict[str, Any]) -> None:
    assert {job["needs"] for job in jobs.values() if "needs" in job} <= set(jobs)


def test_every_expression_names_what_is_there(jobs: dict[str, Any]) -> None:
    for name, job in jobs.items():
        known = {f"matrix.{key}" for key in job.get("strategy", {}).get("matrix", {})}
        assert set(EXPRESSION.findall(str(job))) <= known, name


def test_every_step_runs_or_uses_one_thing(jobs: dict[str, Any]) -> None:
    for job in jobs.values():
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])


def test_every_action_is_pinned(jobs: dict[str, Any]) -> None:
    used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action) for action in used)


def test_every_make_target_and_script_is_there(root: Path, jobs: dict[str, Any]) -> None:
    lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    text = "\n".join(lines)
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"\bmake ([\w-]+)", text)) <= targets
    assert [name for name in re.findall(r"\.ci/[\w.-]+", text) if not (root / name).exists()] == []


def test_three_systems_and_the_oldest_and_newest_python(root: Path, jobs: dict[str, Any]) -> None:
    matrix = jobs["test"]["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    stated = re.findall(r"Python :: (3\.\d+)\"", project)
    assert matrix["python"] == [stated[0], stated[-1]]
