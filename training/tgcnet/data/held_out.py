"""Which rows are kept from training, as the column ``held_out`` of their table says."""

from tgcnet.data.folder import Row
from tgcnet.errors import InputError


def is_held_out(row: Row, set_name: str) -> bool:
    """Whether a row is for comparing models, never for training; false where nothing is said.

    Parameters
    ----------
    set_name : what the sentence calls the data set

    Raises
    ------
    InputError
        If the column says something else than true or false.
    """
    said = (row.held_out or "false").lower()
    if said not in ("true", "false"):
        raise InputError(
            f"The column held_out of {set_name} says neither true nor false in {row.where}, "
            "expected one of them; correct the row or remove the column"
        )
    return said == "true"
