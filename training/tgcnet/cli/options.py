"""The options that several commands share, and the types that their values are read as."""

from typing import Annotated, Literal, Protocol, runtime_checkable

import typer

from tgcnet.domain import Modality
from tgcnet.errors import InputError

ACTIVE_MODEL = "the active model; mini unless you switched"


@runtime_checkable
class Command(Protocol):
    """One command: its fields are its options, its docstring is its help."""

    def run(self) -> int:
        """Do the work; the exit status."""


# Typer gives a parser the default as well, which is a number already.
def whole_number(value: str | int) -> int:
    """What ``--seed`` and its like are read as."""
    try:
        return int(value)
    except ValueError:
        raise typer.BadParameter(f"invalid int value: {value!r}, expected a whole number") from None


def number(value: str | float) -> float:
    """What ``--threshold`` and its like are read as."""
    try:
        return float(value)
    except ValueError:
        raise typer.BadParameter(f"invalid float value: {value!r}, expected a number") from None


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME|PATH", help=f"registered name or folder ({ACTIVE_MODEL})"
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda[:N]", help="where the model runs")
]
ModalityName = Literal["auto", "ct", "xray"]
ModalityOption = Annotated[
    ModalityName,
    typer.Option("--modality", help="decides the intensity window; auto reads it from the file"),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="T",
        parser=number,
        help="probability, in (0, 1), from which on a pixel counts (the model's own)",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def modality_of(name: ModalityName) -> Modality | None:
    """What ``--modality`` states; None leaves it to the file."""
    return None if name == "auto" else Modality(name)


def check_seed(seed: int) -> None:
    """Refuse a seed that numpy would not take after all the work.

    Raises
    ------
    InputError
        If it is negative.
    """
    if seed < 0:
        raise InputError(f"--seed must be 0 or more, got {seed}; change the option or leave it out")


def check_one_of(first: tuple[str, object], second: tuple[str, object], *, required: bool) -> None:
    """Refuse two options of which one is expected, each given as its name and its value.

    Raises
    ------
    typer.BadParameter
        If both were given, or if one is required and neither was.
    """
    is_given = [value is not None for _, value in (first, second)]
    if all(is_given):
        raise typer.BadParameter(f"not allowed with argument {first[0]}", param_hint=second[0])
    if required and not any(is_given):
        raise typer.BadParameter(f"one of the arguments {first[0]} {second[0]} is required")
