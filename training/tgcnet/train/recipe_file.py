"""Recipes: Python that returns a TrainConfig, shipped with the package or a user's own."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.train.config import TrainConfig


def load_recipe(recipe: str) -> TrainConfig:
    """A shipped recipe by name, or a user's own by path.

    Parameters
    ----------
    recipe : of a file that holds several, ``FILE.py:NAME``; it may import files that lie beside it

    Raises
    ------
    InputError
        If there is none, it raises anything, or it gives no TrainConfig.
    """
    file, _, function = recipe.rpartition(":") if ".py:" in recipe else (recipe, "", "")
    path = Path(file).resolve()
    if path.suffix == ".py" and path.is_file():
        with _siblings_importable(path.parent):
            return _config_from(path, recipe, function or "recipe")
    names = shipped_recipes()
    if recipe not in names:
        raise InputError(
            f"there is no recipe {recipe!r}; give one of {', '.join(names)} or the path of a "
            "Python file that defines recipe(), or FILE.py:NAME of one that defines NAME()"
        )
    return _checked(importlib.import_module(f"tgcnet.train.recipes.{recipe}").recipe(), recipe)


def shipped_recipes() -> tuple[str, ...]:
    """The names of the recipes in the package."""
    folder = resources.files("tgcnet.train.recipes")
    files = (Path(entry.name) for entry in folder.iterdir())
    return tuple(sorted(f.stem for f in files if f.suffix == ".py" and f.stem != "__init__"))


def _config_from(path: Path, recipe: str, function: str) -> TrainConfig:
    spec = importlib.util.spec_from_file_location(f"tgcnet_recipe_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path.name} cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        make = getattr(module, function, None)
        config = make() if callable(make) else None
    except Exception as error:  # a user's own code may raise anything
        raise _unusable(path, error) from error
    return _checked(config, recipe, function)


def _checked(config: object, recipe: str, function: str = "recipe") -> TrainConfig:
    if not isinstance(config, TrainConfig):
        raise InputError(f"the recipe {recipe!r} must define {function}() returning a TrainConfig")
    return config


@contextmanager
def _siblings_importable(folder: Path) -> Iterator[None]:
    """The files beside a recipe can be imported while it is loaded; afterwards they are forgotten.

    The ``helpers`` of another recipe may be another file.
    """
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in sys.modules.keys() - before:
            top = name.partition(".")[0]
            is_sibling = (folder / f"{top}.py").exists() or (folder / top).is_dir()
            if top not in before and is_sibling:
                del sys.modules[name]


def _unusable(path: Path, error: Exception) -> InputError:
    """One sentence of whatever a file raises: where, and its own message."""
    message = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    return InputError(
        f"the recipe {path.name} cannot be used: {type(error).__name__} in "
        f"{_place_of(error, path)}{': ' if message else ''}{message}; correct it there"
    )


def _place_of(error: Exception, path: Path) -> str:
    """The last line of the file, or of one beside it, that the error came through."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    # "<string>", as Python calls the code of dataclasses, is no file of the working folder.
    files = [place for place in places if not place[0].startswith("<")]
    own = [place for place in files if Path(place[0]).resolve().parent == path.parent]
    file, line = own[-1] if own else (path.name, None)
    return Path(file).name + (f", line {line}" if line else "")
