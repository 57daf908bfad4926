"""Corrections as an nnU-Net v2 raw folder.

Slices that were not reviewed get nnU-Net's ignore label, which no loss is computed on.
Source: nnU-Net's documentation, "dataset_format" and "ignore_label".
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tgcnet.corrections.export_three_columns import Exported, Subjects, export, write_table
from tgcnet.corrections.ledger import Ledger
from tgcnet.corrections.voxels import write_voxels
from tgcnet.domain import Case, Modality
from tgcnet.errors import InputError
from tgcnet.io import RESEARCH_NOTICE

_ENDING = ".nii.gz"
_LARGEST_LABEL = 255  # labels are uint8
_RESERVED = ("background", "ignore")
_COLUMNS = ("case", "subject", "held_out")


def export_nnunet(ledger: Ledger, out: Path, *, with_reports: bool = False) -> Exported:
    """Write image and labels of every case that has a reviewed slice.

    Held-out cases go to ``imagesTs`` and ``labelsTs``. ``subjects.csv`` says which cases are one
    patient's, so that no fold of a cross-validation separates them. Classes are matched by name.

    Parameters
    ----------
    out : a folder that is not there yet; nnU-Net wants it called like Dataset501_Lungs
    with_reports : write ``reports/`` too, and the patients' keys in place of running numbers

    Raises
    ------
    InputError
        If no slice was reviewed, or there are too many classes for one file.
    OutputError
        If ``out`` is there or cannot be written; nothing is left behind.
    """
    names = _class_names(ledger)
    return export(ledger, out, lambda cases, made: _fill(cases, made, names, with_reports))


def _class_names(ledger: Ledger) -> tuple[str, ...]:
    """Every class of every case, in order of first appearance: labels are numbered by these."""
    names: dict[str, None] = {}
    for case in ledger.cases().cases:
        names.update(dict.fromkeys(case.classes))
    if len(names) + 1 > _LARGEST_LABEL or not names.keys().isdisjoint(_RESERVED):
        raise InputError(
            f"The ledger's cases have {len(names)} classes, expected at most {_LARGEST_LABEL - 1} "
            f"and none called {' or '.join(_RESERVED)}, which are nnU-Net's own names; export "
            "three columns instead."
        )
    return tuple(names)


def _fill(
    cases: Iterable[Case], made: Path, names: Sequence[str], with_reports: bool
) -> tuple[int, int]:
    subjects = Subjects(with_keys=with_reports)
    rows: list[dict[str, str]] = []
    modalities: set[Modality] = set()
    num_slices, is_any_ignored = 0, False
    for part in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
        (made / part).mkdir()
    for case in cases:
        labels = _labels(case, names)
        _write_pair(case, labels, made)
        if with_reports:
            _write_report(case, made / "reports")
        rows.append({
            "case": case.id,
            "subject": subjects.name_of(case),
            "held_out": str(case.is_held_out).lower(),
        })  # fmt: skip
        modalities.add(case.volume.modality)
        num_slices += len(case.reviewed_slices)
        is_any_ignored |= len(case.reviewed_slices) < len(labels)
    write_table(made / "subjects.csv", rows, _COLUMNS)
    num_training = sum(row["held_out"] == "false" for row in rows)
    values = _dataset(names, modalities, num_training, has_ignore=is_any_ignored)
    (made / "dataset.json").write_text(json.dumps(values, indent=2), encoding="utf-8")
    return len(rows), num_slices


def _labels(case: Case, names: Sequence[str]) -> np.ndarray:
    """(Z, Y, X) uint8: the dataset's label values, the ignore label in slices not reviewed."""
    own_names = [c.name for c in case.record.classes]
    if not set(own_names) <= set(names):
        raise InputError(
            f"Case {case.id} got a new class while it was exported, expected nobody to save "
            "meanwhile; export again."
        )
    of_class = np.array([0, *(names.index(name) + 1 for name in own_names)], dtype=np.uint8)
    labels: np.ndarray = of_class[case.labels]
    is_reviewed = np.isin(np.arange(len(labels)), case.reviewed_slices)
    labels[~is_reviewed] = len(names) + 1
    return labels


def _write_pair(case: Case, labels: np.ndarray, made: Path) -> None:
    part = "Ts" if case.is_held_out else "Tr"
    geometry = case.volume.geometry
    image = made / f"images{part}" / f"{case.id}_0000{_ENDING}"
    write_voxels(case.volume.array, geometry, image)
    write_voxels(labels, geometry, made / f"labels{part}" / f"{case.id}{_ENDING}")


def _write_report(case: Case, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{case.id}.txt").write_bytes(case.report.encode())


def _dataset(
    names: Sequence[str], modalities: set[Modality], num_training: int, *, has_ignore: bool
) -> dict[str, object]:
    labels = {"background": 0, **{name: index for index, name in enumerate(names, start=1)}}
    if has_ignore:
        labels["ignore"] = len(names) + 1
    # "CT" makes nnU-Net clip and scale over all cases, any other name scales each by itself.
    channel = "CT" if modalities == {Modality.CT} else "intensity"
    return {
        "channel_names": {"0": channel},
        "labels": labels,
        "numTraining": num_training,
        "file_ending": _ENDING,
        "description": f"Corrections exported by napari-tgcnet. {RESEARCH_NOTICE}",
    }
