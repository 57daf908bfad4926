"""The first row of a table that somebody made."""

from collections.abc import Sequence

from tgcnet.errors import InputError

_OTHER_MARKS = {";": "semicolons", "\t": "tabs"}


def check_header(table: str, header: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a table without a column that is needed, or with one of them twice.

    Parameters
    ----------
    table : what sentences call it
    columns : all of which have to be there

    Raises
    ------
    InputError
        If one is absent or ambiguous; says so where cells are parted by another mark than commas.
    """
    absent = next((column for column in columns if column not in header), None)
    if absent is not None:
        parted = next((w for m, w in _OTHER_MARKS.items() if any(m in c for c in header)), None)
        what_to_do = (
            f"its cells are parted by {parted}, so save it as CSV with commas"
            if parted
            else "name the columns in its first row"
        )
        raise InputError(
            f"{table} lacks the column {absent!r}, expected {', '.join(columns)}; {what_to_do}"
        )
    twice = next((column for column in columns if list(header).count(column) > 1), None)
    if twice is not None:
        raise InputError(
            f"{table} has the column {twice!r} twice, expected it once; remove or rename one of "
            "them"
        )
