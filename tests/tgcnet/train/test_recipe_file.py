"""Recipes by name and by path; whatever is wrong with one is a sentence."""

import sys
from pathlib import Path

import pytest

from tgcnet.errors import InputError
from tgcnet.train.recipe_file import load_recipe, shipped_recipes


def written(folder: Path, text: str) -> str:
    folder.mkdir(exist_ok=True)
    file = folder / "own.py"
    file.write_text(text)
    return str(file)


def test_recipes_are_found_by_name_or_path(tmp_path: Path) -> None:
    assert "mini" in shipped_recipes()
    assert load_recipe("mini").model.name == "mini"
    own = written(tmp_path, "from tgcnet.train.recipes.mini import recipe\n")
    assert load_recipe(own).model.name == "mini"
    with pytest.raises(InputError, match="there is no recipe 'maxi'; give one of mini"):
        load_recipe("maxi")
    written(tmp_path, "recipe = 3\n")
    with pytest.raises(InputError, match=r"must define recipe\(\) returning a TrainConfig"):
        load_recipe(own)


def test_a_recipe_imports_the_file_beside_it_and_not_that_of_another(tmp_path: Path) -> None:
    before = sys.path.copy()
    for seed in (3, 4):
        folder = tmp_path / str(seed)
        own = written(
            folder,
            "import helpers_of_a_test\n"
            "from dataclasses import replace\n"
            "from tgcnet.train.recipes import mini\n"
            "def recipe():\n"
            "    return replace(mini.recipe(), seed=helpers_of_a_test.SEED)\n",
        )
        (folder / "helpers_of_a_test.py").write_text(f"SEED = {seed}\n")
        assert load_recipe(own).seed == seed
    assert sys.path == before
    assert "helpers_of_a_test" not in sys.modules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import absent_of_a_test\n", "ModuleNotFoundError in own.py, line 1: No module"),
        ("\n\nx = y\n", "NameError in own.py, line 3: name 'y' is not defined; correct it there"),
        ("x = 1\ndef (\n", "SyntaxError in own.py, line 2: invalid syntax; correct it there"),
        ("def recipe():\n    raise ValueError('no\\nluck')\n", "ValueError in own.py, line 2: no"),
        ("def recipe():\n    assert 0\n", "AssertionError in own.py, line 2; correct it there"),
        (
            "from dataclasses import replace\n"
            "from tgcnet.train.recipes import mini\n"
            "def recipe():\n"
            "    return replace(mini.recipe(), patience=-1)\n",
            "ConfigError in own.py, line 4: patience must be at least 0, got -1; correct it there",
        ),
    ],
)
def test_what_a_recipe_raises_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)  # as most people have it
    with pytest.raises(InputError) as caught:
        load_recipe(written(tmp_path, text))
    sentence = str(caught.value)
    assert sentence.startswith("the recipe own.py cannot be used: ")
    assert said in sentence
    assert "\n" not in sentence


def test_an_error_in_the_file_beside_it_is_placed_there(tmp_path: Path) -> None:
    (tmp_path / "helpers_of_a_test.py").write_text("\n1 / 0\n")
    with pytest.raises(InputError, match=r"ZeroDivisionError in helpers_of_a_test\.py, line 2"):
        load_recipe(written(tmp_path, "import helpers_of_a_test\n"))
