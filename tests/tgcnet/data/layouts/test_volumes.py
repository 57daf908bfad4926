"""nnU-Net's raw folder and the ledger: volumes whose slices are rows."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tgcnet.corrections import Correction, Ledger
from tgcnet.corrections.export_nnunet import export_nnunet
from tgcnet.data import row_decoding as pairs
from tgcnet.data.classes import LabelValueError
from tgcnet.data.layouts import Part, read_dataset, scan_dataset
from tgcnet.data.layouts.volumes import VolumePair
from tgcnet.data.row_decoding import SizeMismatchError, read_pair
from tgcnet.domain import Geometry, Modality, SegmentationClass, Volume
from tgcnet.errors import InputError
from tgcnet.io import load_volume
from tgcnet.io.orientation import grid_affine

MakeFolder = Callable[..., Path]


def test_every_slice_of_every_case_is_a_row(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet()
    dataset = read_dataset(folder)
    assert (dataset.layout, dataset.splits) == ("nnU-Net", ("train",))
    assert [entry.name for entry in dataset.classes] == ["ground glass", "consolidation"]
    assert [(r.number, r.name, r.z, r.subject, r.modality) for r in dataset.rows] == [
        (number, f"{case}/{z}", z, subject, Modality.CT)
        for number, (case, subject, z) in enumerate(
            ((c, s, z) for c, s in (("DOE_1", "p1"), ("DOE_2", "p2")) for z in range(3)), start=1
        )
    ]
    assert dataset.rows[4].where == "slice 1 of the case in row 3 of captions.csv"
    assert dataset.rows[4].report == "Clear."


def test_a_slice_lies_where_it_lay_in_the_volume(make_nnunet: MakeFolder) -> None:
    row = read_dataset(make_nnunet()).rows[1]
    whole = load_volume(row.image, modality=Modality.CT)
    volume, labels = read_pair(row)
    np.testing.assert_array_equal(volume.array, whole.array[1:2])
    assert (volume.modality, volume.intensity_unit) == (Modality.CT, "HU")
    origin = volume.geometry.affine_lps @ (0, 0, 0, 1)
    np.testing.assert_allclose(origin, whole.geometry.affine_lps @ (1, 0, 0, 1))
    assert sorted(np.unique(labels)) == [0, 1, 2]  # 3 is the second class's value in the file
    mask = load_volume(row.mask).array[1]
    np.testing.assert_array_equal(labels == 2, mask == 3)
    labels[:] = 9
    assert read_pair(row)[1].max() == 2  # what is kept is nobody's to change


def test_rows_one_after_another_decode_a_volume_once(
    make_nnunet: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_dataset(make_nnunet()).rows
    loads: list[Path] = []
    load = VolumePair.load

    def counting(self: VolumePair, modality: Modality | None) -> tuple[Volume, np.ndarray]:
        loads.append(self.image)
        return load(self, modality)

    pairs._load.cache_clear()
    monkeypatch.setattr(VolumePair, "load", counting)
    for row in rows:
        read_pair(row)
    assert len(loads) == 2


def test_a_file_that_changed_is_read_again(make_nnunet: MakeFolder) -> None:
    row = read_dataset(make_nnunet()).rows[1]
    assert read_pair(row)[1].any()
    image = nibabel.Nifti1Image.from_filename(row.mask)
    nibabel.Nifti1Image(np.zeros(image.shape, np.uint8), image.affine).to_filename(row.mask)
    assert not read_pair(row)[1].any()


def test_a_series_written_over_in_place_has_another_stamp(tmp_path: Path) -> None:
    series, labels = tmp_path / "series", tmp_path / "labels.nii.gz"
    series.mkdir()
    for file in (series / "1.dcm", labels):
        file.write_bytes(b"before")
    pair = VolumePair(image=series, labels=labels, values=(1,))
    before, time_ns = pair.stamp(), series.stat().st_mtime_ns
    (series / "1.dcm").write_bytes(b"after, and longer")
    os.utime(series, ns=(time_ns, time_ns))
    assert pair.stamp() != before


def test_scanning_opens_no_volume(make_nnunet: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_nnunet()

    def refuse(*args: Any, **kwargs: Any) -> None:
        pytest.fail("a volume was decoded")

    monkeypatch.setattr("tgcnet.data.layouts.volumes.decode_volume", refuse)
    assert len(read_dataset(folder).rows) == 6


def test_values_that_no_class_has_are_refused(make_nnunet: MakeFolder) -> None:
    row = read_dataset(make_nnunet({"background": 0, "ground glass": 1})).rows[1]
    with pytest.raises(
        LabelValueError, match=r"^slice 1 of the case in row 2 of captions\.csv: its labels hold "
        r"the value 3, expected 0 or one of 1 as dataset\.json has them"
    ):  # fmt: skip
        read_pair(row)


def test_labels_elsewhere_are_refused(make_nnunet: MakeFolder) -> None:
    row = read_dataset(make_nnunet()).rows[0]
    image = nibabel.Nifti1Image.from_filename(row.mask)
    affine = image.affine.copy()
    affine[2, 3] += 4
    nibabel.Nifti1Image(np.asarray(image.dataobj), affine).to_filename(row.mask)
    with pytest.raises(SizeMismatchError, match="lie in different places by their headers"):
        read_pair(row)
    nibabel.Nifti1Image(np.zeros((6, 5, 2), np.uint8), image.affine).to_filename(row.mask)
    with pytest.raises(SizeMismatchError, match=r"shape \(3, 5, 6\) and its mask \(2, 5, 6\)"):
        read_pair(row)


def test_ignored_slices_are_left_out(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet({"background": 0, "ground glass": 1, "ignore": 3})
    dataset = read_dataset(folder)
    assert [row.z for row in dataset.rows] == [0, 2, 0, 2]
    assert dataset.notices == (
        "2 slices are left out because part of them has the label ignore: nobody looked there.",
    )


def test_the_first_versions_header_is_read(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet(
        {"0": "background", "1": "lesion", "3": "vessel"}, modality={"0": "CT"}, channel_names=None
    )
    assert [entry.name for entry in read_dataset(folder).classes] == ["lesion", "vessel"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": {"background": 0, "whole": [1, 2]}}, r"dataset\.json of .* cannot be read \(T"),
        ({"labels": "none"}, "cannot be read"),
        ({"dataset": {"a": {}}}, "lists its files one by one"),
    ],
)
def test_a_header_that_is_another_is_refused(
    make_nnunet: MakeFolder, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_dataset(make_nnunet(**change))


def test_cases_without_a_part_are_told_by_their_rows(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet()
    (folder / "labelsTr" / "DOE_1.nii.gz").unlink()
    (folder / "imagesTr" / "DOE_2_0000.nii.gz").unlink()
    with (folder / "captions.csv").open("a") as file:
        file.write("DOE_3,text,\n")
    gaps = scan_dataset(folder).gaps
    assert [(gap.lacks, gap.place) for gap in gaps] == [
        (Part.MASK, "the case in row 2 of captions.csv"),
        (Part.IMAGE, "the case in row 3 of captions.csv"),
        (Part.IMAGE, "the case in row 4 of captions.csv"),
    ]


def test_a_broken_header_of_a_volume_is_told_without_its_name(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet()
    (folder / "labelsTr" / "DOE_1.nii.gz").write_bytes(b"broken")
    (gap,) = scan_dataset(folder).gaps
    assert gap.sentence.startswith("the case in row 2 of captions.csv: its mask is damaged")
    assert "DOE" not in gap.sentence


def test_a_broken_text_is_told_without_its_name(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet()
    (folder / "captions.csv").unlink()
    (folder / "reports").mkdir()
    (folder / "reports" / "DOE_1.txt").write_bytes(b"")
    (folder / "reports" / "DOE_2.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"A text of reports/") as caught:
        read_dataset(folder)
    assert "DOE" not in str(caught.value)


def test_a_folder_without_texts_is_read_and_says_so(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet()
    (folder / "captions.csv").unlink()
    dataset = read_dataset(folder)
    assert {row.report for row in dataset.rows} == {""}
    assert dataset.rows[0].where == "slice 0 of case 1 of imagesTr"
    assert dataset.notices[0].startswith("No case has a text: put captions.csv")


def test_several_channels_are_said(make_nnunet: MakeFolder) -> None:
    folder = make_nnunet(channel_names={"0": "T1", "1": "T2"})
    dataset = read_dataset(folder)
    assert dataset.notices == ("Images have 2 channels, of which only the first is read.",)
    assert dataset.rows[0].modality is None


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two patients, the second held out; classes in another order the second time."""
    ledger = Ledger.create(tmp_path / "ledger")
    names = (("effusion", "infection"), ("infection", "effusion"))
    for index, order in enumerate(names):
        array = np.random.default_rng(index).integers(-1000, 300, (4, 6, 5)).astype(np.int16)
        labels = np.zeros((4, 6, 5), dtype=np.uint8)
        labels[1, 1:3, 1:3] = order.index("infection") + 1
        ledger.save(Correction(
            volume=Volume(array=array, geometry=Geometry(affine_lps=grid_affine()),
                          modality=Modality.CT, patient_id=f"DOE {index}"),
            labels=labels,
            classes=tuple(SegmentationClass(name=n, colour=(9, 9, 9)) for n in order),
            reviewed_slices=(1, 3),
            report=f"Report {index}.",
        ))  # fmt: skip
    return ledger


def test_reviewed_slices_of_a_ledger_are_rows(ledger: Ledger) -> None:
    dataset = read_dataset(ledger.folder)
    assert dataset.layout == "ledger"
    assert [entry.name for entry in dataset.classes] == ["effusion", "infection"]
    assert [(row.z, row.report, row.held_out, row.num_classes) for row in dataset.rows] == [
        (1, "Report 0.", "false", 2),
        (3, "Report 0.", "false", 2),
        (1, "Report 1.", "true", 2),
        (3, "Report 1.", "true", 2),
    ]
    assert len({row.name for row in dataset.rows}) == 4
    for row in dataset.rows:
        volume, labels = read_pair(row)
        case = ledger.load(row.name.partition("/")[0])
        np.testing.assert_array_equal(volume.array[0], case.volume.array[row.z])
        assert set(np.unique(labels)) <= {0, 2}  # infection, in the data set's own order
        assert labels.any() == (row.z == 1)


def test_a_ledger_goes_to_nnunet_and_back(ledger: Ledger, tmp_path: Path) -> None:
    export_nnunet(ledger, tmp_path / "Dataset501_Lungs", with_reports=True)
    dataset = read_dataset(tmp_path / "Dataset501_Lungs")
    assert {row.report for row in dataset.rows} == {"Report 0.", "Report 1."}
    assert dataset.splits == ("train", "test")
    own = {(row.report, row.z): row for row in read_dataset(ledger.folder).rows}
    assert len(dataset.rows) == len(own)
    for row in dataset.rows:
        other = own[row.report, row.z]
        np.testing.assert_array_equal(read_pair(row)[1], read_pair(other)[1])
        np.testing.assert_array_equal(read_pair(row)[0].array, read_pair(other)[0].array)
        assert (row.subject, row.held_out) == (other.subject, other.held_out)


def test_a_damaged_case_is_a_gap_and_the_others_rows(ledger: Ledger) -> None:
    case = ledger.cases().cases[0].case_id
    report = ledger.folder / "cases" / case / "revisions" / "0001" / "report.txt"
    report.write_text("somebody else's")
    dataset = scan_dataset(ledger.folder)
    assert (len(dataset.rows), len(dataset.gaps)) == (2, 1)
    assert case in dataset.gaps[0].sentence
    record = json.loads((ledger.folder / "ledger.json").read_text())
    assert record  # the ledger itself was not touched
    with pytest.raises(InputError, match="ledger is not whole"):
        read_dataset(ledger.folder)


def test_a_ledger_without_a_reviewed_slice_is_refused(tmp_path: Path) -> None:
    Ledger.create(tmp_path / "ledger")
    with pytest.raises(InputError, match="holds no reviewed slice"):
        read_dataset(tmp_path / "ledger")
