"""The patients of a ledger: what they are known by, and which of them are held out.

Who is held out is decided when a patient first appears, and never again. It stands in a numbered
list of patients, one folder an entry, because a folder's name can be taken only once: two
processes that add a patient at one time agree on who came first.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tgcnet.corrections.sealed import read_bytes, seal, unseal
from tgcnet.domain import Volume
from tgcnet.errors import LedgerDamageError
from tgcnet.io.keyed_hash import KeyedHasher
from tgcnet.io.publish import publish_folder

BLOCK = 4
"""One patient in each block of this many, in order of arrival, is held out."""

ENTRY_FILE = "patient.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerKeys:
    """What images and patients are known by in one ledger: keyed hashes.

    Another ledger's salt makes other ones of the same patient.
    """

    salt: bytes = field(repr=False)

    def of_image(self, volume: Volume) -> str:
        """The same for the same voxels in the same place."""
        # Adding zero makes -0.0 the 0.0 that it equals.
        place = (volume.geometry.affine_lps.astype("<f8") + 0.0).tobytes()
        return self._hash("image", _digest_of(volume.array) + place)

    def of_patient(self, volume: Volume) -> str:
        """The same for all images of a patient; where no file names one, for the same voxels."""
        if volume.patient_id:
            return self._hash("patient", volume.patient_id.encode())
        return self._hash("patient without a name", _digest_of(volume.array))

    def draw(self, purpose: str, index: int, num_choices: int) -> int:
        """A number below ``num_choices``, the same for the life of the ledger."""
        return int(self._hash(purpose, str(index).encode()), 16) % num_choices

    def _hash(self, purpose: str, content: bytes) -> str:
        return KeyedHasher(key=self.salt).hash(purpose, content)


class HeldOutList:
    """Which patients of one ledger are held out."""

    def __init__(self, folder: Path, keys: LedgerKeys, staging: Path) -> None:
        self._folder, self._keys, self._staging = folder, keys, staging
        # Written once, so what was read stays true; None is a damaged entry.
        self._known: dict[int, tuple[str, bool] | None] = {}

    def assign(self, patient_key: str) -> bool:
        """Whether a patient is held out; written to the list if they are not in it yet.

        An entry that is damaged keeps its number. Its patient is known by their cases, if there
        are any, which is why a ledger asks those first.

        Raises
        ------
        OutputError
            If it cannot be written.
        LedgerError
            If an entry cannot be read.
        """
        number = 1
        while True:
            is_held_out = is_held_out_at(number, self._keys)
            if not self._entry(number).exists() and self._claim(number, patient_key, is_held_out):
                return is_held_out
            if number not in self._known:
                self._known[number] = _read(self._entry(number))
            stated = self._known[number]
            if stated is not None and stated[0] == patient_key:
                return stated[1]
            number += 1

    def _entry(self, number: int) -> Path:
        return self._folder / f"{number:06d}"

    def _claim(self, number: int, patient_key: str, is_held_out: bool) -> bool:
        """Write the entry; False where another process took its number first."""
        content = seal({"patient_key": patient_key, "is_held_out": is_held_out})
        try:
            publish_folder(
                [self._entry(number)],
                lambda made: _write(made / ENTRY_FILE, content),
                staging=self._staging,
                called="The list of held-out patients",
            )
        except FileExistsError:
            return False
        return True


def is_held_out_at(number: int, keys: LedgerKeys) -> bool:
    """Whether the patient who came as ``number``, counted from 1, is held out.

    Of the first block it is the second, so that two patients are enough to train and to compare;
    of later blocks the ledger's salt decides.
    """
    block, position = divmod(number - 1, BLOCK)
    return position == (1 if block == 0 else keys.draw("held out of block", block, BLOCK))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _read(entry: Path) -> tuple[str, bool] | None:
    """Patient key, and whether they are held out; None where the entry is damaged."""
    where = f"Entry {entry.name} of the list of held-out patients"
    try:
        values = unseal(read_bytes(entry / ENTRY_FILE, where), where)
    except LedgerDamageError:
        return None
    return values["patient_key"], values["is_held_out"]


def _digest_of(array: np.ndarray) -> bytes:
    native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    digest = hashlib.sha256(f"{native.dtype.name} {native.shape}".encode())
    digest.update(native.data.cast("B"))
    return digest.digest()
