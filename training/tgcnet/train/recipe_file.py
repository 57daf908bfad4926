"""Recipes: Python that returns a TrainConfig, shipped with the package or one's own."""

import importlib
import importlib.util
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType

from tgcnet.errors import InputError
from tgcnet.train.config import TrainConfig


def load_recipe(recipe: str) -> TrainConfig:
    """A shipped recipe by name, or one's own by path.

    Parameters
    ----------
    recipe : of a file that holds several, ``FILE.py:NAME``

    Raises
    ------
    InputError
        If there is none, or it gives no TrainConfig.
    """
    file, _, function = recipe.rpartition(":") if ".py:" in recipe else (recipe, "", "")
    path = Path(file)
    if path.suffix == ".py" and path.is_file():
        return _config_of(_module_from(path), recipe, function or "recipe")
    names = shipped_recipes()
    if recipe not in names:
        raise InputError(
            f"there is no recipe {recipe!r}; give one of {', '.join(names)} or the path of a "
            "Python file that defines recipe(), or FILE.py:NAME of one that defines NAME()"
        )
    return _config_of(importlib.import_module(f"tgcnet.train.recipes.{recipe}"), recipe)


def shipped_recipes() -> tuple[str, ...]:
    """The names of the recipes in the package."""
    folder = resources.files("tgcnet.train.recipes")
    files = (Path(entry.name) for entry in folder.iterdir())
    return tuple(sorted(f.stem for f in files if f.suffix == ".py" and f.stem != "__init__"))


def _module_from(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tgcnet_recipe_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path.name} cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _config_of(module: ModuleType, recipe: str, function: str = "recipe") -> TrainConfig:
    make = getattr(module, function, None)
    config = make() if callable(make) else None
    if not isinstance(config, TrainConfig):
        raise InputError(f"the recipe {recipe!r} must define {function}() returning a TrainConfig")
    return config
