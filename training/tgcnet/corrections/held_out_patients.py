"""Which patients are held out: decided when a patient first appears, and never again.

A numbered list of patients, one folder an entry, because a folder's name can be taken only once:
two processes that add a patient at one time agree on who came first.
"""

from pathlib import Path

from tgcnet.corrections.keys import Keys
from tgcnet.corrections.sealed import read_bytes, seal, unseal
from tgcnet.errors import LedgerDamageError
from tgcnet.io.publish import publish_folder

BLOCK = 4
"""One patient in each block of this many, in order of arrival, is held out."""

ENTRY_FILE = "patient.json"


class Split:
    """The list of one ledger."""

    def __init__(self, folder: Path, keys: Keys, staging: Path) -> None:
        self._folder, self._keys, self._staging = folder, keys, staging
        # Written once, so what was read stays true; None is a damaged entry.
        self._known: dict[int, tuple[str, bool] | None] = {}

    def assign(self, patient_key: str) -> bool:
        """Whether a patient is held out; written down here if nobody has yet.

        An entry that is damaged keeps its number. Its patient is known by their cases, if there
        are any, which is why a ledger asks those first.

        Raises
        ------
        OutputError
            If it cannot be written down.
        LedgerError
            If an entry cannot be read.
        """
        number = 1
        while True:
            is_held_out = is_held_out_at(number, self._keys)
            if not self._entry(number).exists() and self._take(number, patient_key, is_held_out):
                return is_held_out
            if number not in self._known:
                self._known[number] = _read(self._entry(number))
            stated = self._known[number]
            if stated is not None and stated[0] == patient_key:
                return stated[1]
            number += 1

    def _entry(self, number: int) -> Path:
        return self._folder / f"{number:06d}"

    def _take(self, number: int, patient_key: str, is_held_out: bool) -> bool:
        """Write the entry; False where somebody was quicker."""
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


def is_held_out_at(number: int, keys: Keys) -> bool:
    """Whether the patient who came as ``number``, counted from 1, is held out.

    Of the first block it is the second, so that two patients are enough to train and to compare;
    of later blocks nobody can tell before.
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
