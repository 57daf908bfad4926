"""The pages of a TIFF's first series: that they belong together, and which way up they lie."""

from typing import TypeAlias

import tifffile

from tgcnet.errors import InputError

WHITE_IS_ZERO = 0
"""PhotometricInterpretation of a negative: the smallest value is white."""

Page: TypeAlias = tifffile.TiffPage | tifffile.TiffFrame

_ORIENTATION = "Orientation"


def pages_of(series: tifffile.TiffPageSeries, name: str) -> list[Page]:
    """Give the pages of a series, in the order of its slices; a page may hold several of them.

    Raises
    ------
    InputError
        If slices are not in the file, or pages of another kind lie between the slices.
    """
    pages = [page for page in series.pages if page is not None]
    num_absent = len(series.pages) - len(pages)
    if num_absent:
        raise InputError(
            f"{name} lacks {num_absent} of its {len(series.pages)} slices, expected all of them "
            "in the file; save the whole stack again."
        )
    indices = [page.index for page in pages]
    # An OME header says which page is which slice; without it, pages left out leave gaps.
    is_listed = series.kind == "ome" and all(isinstance(index, int) for index in indices)
    if not is_listed and indices != list(range(len(indices))):
        raise InputError(
            f"{name} holds pages of several kinds in turn, expected one stack of pages of one "
            "size and type; save the stack as a file of its own."
        )
    return pages


def check_greys(series: tifffile.TiffPageSeries, name: str) -> None:
    """Refuse negatives of numbers that have no largest value to turn them round by.

    Raises
    ------
    InputError
        If white is zero and the numbers are signed or floating-point.
    """
    page = series.keyframe
    if page.photometric == WHITE_IS_ZERO and page.dtype is not None and page.dtype.kind in "if":
        raise InputError(
            f"{name} says that white is zero and holds {page.dtype} values, which can be below "
            "zero, expected black as the smallest value; save it again as black-is-zero "
            "(MINISBLACK)."
        )


def orientation_of(pages: list[Page], name: str) -> int:
    """Give the orientation tag that all pages have, 1 where they have none.

    Raises
    ------
    InputError
        If the pages differ in it, or in their kind.
    """
    found, kinds = set(), set()
    for page in pages:
        whole = _whole(page)
        if whole is None:
            continue
        kinds.add(whole.hash)
        found.add(int(whole.tags[_ORIENTATION].value) if _ORIENTATION in whole.tags else 1)
    if len(kinds) > 1:
        raise InputError(
            f"{name} holds slices of several sizes or types, expected one; save the stack again "
            "as one image."
        )
    if len(found) > 1:
        raise InputError(
            f"{name} holds slices that are turned differently (orientations "
            f"{' and '.join(str(value) for value in sorted(found))}), expected one way up; turn "
            "them and save the stack again."
        )
    return found.pop()


def _whole(page: Page) -> tifffile.TiffPage | None:
    """Read all tags of a page of which the library has read only where its pixels lie.

    None for a page that has no tags, because it was calculated from the first one.
    """
    if isinstance(page, tifffile.TiffPage):
        return page
    return None if page.is_virtual else page.aspage()
