"""What images and patients are known by in a ledger: ledgers written before must still match."""

from dataclasses import replace

import numpy as np

from tgcnet.corrections.patients import LedgerKeys
from tgcnet.domain import Geometry, Modality, SideKnowledge, Volume

KEYS = LedgerKeys(salt=b"s" * 32)
VOLUME = Volume(
    array=np.arange(8, dtype=np.int16).reshape(2, 2, 2),
    geometry=Geometry(
        affine_lps=np.diag([2.0, 1, 1, 1]), unit="mm", side_knowledge=next(iter(SideKnowledge))
    ),
    modality=Modality.CT,
    intensity_unit="HU",
    patient_id="P1",
)


def test_keys_are_those_of_ledgers_written_before() -> None:
    assert KEYS.of_image(VOLUME) == "bb80989a9d97024f883293a3079e1091"
    assert KEYS.of_patient(VOLUME) == "1cbe046ff10c1b471f18ebddbd311921"
    nobody = replace(VOLUME, patient_id=None)
    assert KEYS.of_patient(nobody) == "9971d1f1e50a20b69020e86de53ea0d5"


def test_who_is_held_out_is_drawn_as_in_ledgers_written_before() -> None:
    draws = [KEYS.draw("held out of block", block, 4) for block in range(6)]
    assert draws == [0, 3, 3, 2, 3, 1]
