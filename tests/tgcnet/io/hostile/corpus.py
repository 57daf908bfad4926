"""All hostile files, the same in every run."""

from collections.abc import Iterator

from tests.tgcnet.io.hostile.bases import nifti, packed_nifti, pictures, shipped_dicom, tiffs
from tests.tgcnet.io.hostile.bombs import bombs
from tests.tgcnet.io.hostile.cases import Allowed, Case, bit_flips, truncations
from tests.tgcnet.io.hostile.headers import (
    checksums,
    dicom_field_flips,
    nifti_header_flips,
    nifti_header_values,
)
from tests.tgcnet.io.hostile.series_cases import series_cases

FULL, SUBSET = 1.0, 0.3


def corpus(part: float) -> Iterator[Case]:
    """Give the cases; ``part`` of those that are counted, and every one of the others."""
    ours = [*pictures(), *tiffs()]
    shipped = shipped_dicom()
    few = shipped[:: round(1 / part)]
    yield from (Case(kind="shipped", name=base.name, write=base.write) for base in few)
    yield from truncations([*ours, nifti(), packed_nifti()], round(16 * part), Allowed.SAME_CONTENT)
    yield from truncations(few, 4, Allowed.ANYTHING)
    yield from bit_flips(ours, round(24 * part), Allowed.ANYTHING)
    yield from bit_flips([packed_nifti()], round(60 * part), Allowed.SAME_CONTENT)
    yield from bit_flips(few, 5, Allowed.ANYTHING)
    yield from list(nifti_header_flips())[:: round(1 / part)]
    yield from nifti_header_values()
    yield from list(checksums())[:: round(1 / part)]
    yield from dicom_field_flips(round(12 * part))
    yield from series_cases()
    yield from bombs()
