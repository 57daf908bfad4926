"""The reference page of the command line names every command and every option."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from tgcnet.cli.app import COMMANDS, build_app

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "command-line.md"
SHARED = "Options that several commands share"


def sections() -> dict[str, str]:
    """The page by its headings of the second level; what stands before them is the overview."""
    overview, *rest = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    titled = (section.partition("\n") for section in rest)
    return {"": overview, **{title: text for title, _, text in titled}}


def options_of(name: str) -> set[str]:
    command = typer.main.get_command(build_app())
    for part in name.split():
        assert isinstance(command, TyperGroup)
        command = command.commands[part]
    return {option for parameter in command.params for option in parameter.opts if "--" in option}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    page = sections()
    group, _, action = name.partition(" ")
    assert group in page[""]
    assert action in page[""]
    text = page[""] + page[SHARED] + page.get(group, "")
    documented = set(re.findall(r"--[a-z-]+", text))
    assert options_of(name) - documented == set()
