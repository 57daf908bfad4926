"""Masks to DICOM segmentations and back, voxel for voxel."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from tests.tgcnet.io.dicom.phantoms import AXIAL, enhanced_ct, radiograph, series, uid, write

from tgcnet.domain import DicomSource, Geometry, SegmentationClass
from tgcnet.errors import InputError, OutputError
from tgcnet.io import RESEARCH_NOTICE, save_labels
from tgcnet.io.orientation import grid_affine, to_canonical

SHAPE = (5, 16, 12)
MODEL = {"model": "mini", "sha256": "ab" * 32, "threshold": "0.5", "window_hu": "-600/1500"}
CLASSES = (
    SegmentationClass(name="lung opacity", colour=(230, 80, 60)),
    SegmentationClass(name="mass", colour=(70, 140, 230)),
)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = (0.8, 0.6, 0.0, -0.36, 0.48, 0.8)
IDENTIFYING = ("Phantom", "PHANTOM-1", "19500101", "A-1", "20240102", "101112", "Dr^Who", "Ward 7")
EMPTIED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip


def geometry(
    axes: tuple[int, int, int] = (0, 1, 2), flips: tuple[bool, bool, bool] = (False, False, False)
) -> Geometry:
    return Geometry(
        affine_lps=grid_affine((2.5, 0.7, 0.8)), unit="mm", source_axes=axes, source_flips=flips
    )


def labels_on_source(shape: Sequence[int] = SHAPE, *, values: int = 3) -> np.ndarray:
    """Every slice another, the second empty."""
    made = (np.arange(np.prod(shape)) ** 2 // 7 % values).astype(np.uint8).reshape(shape)
    made[1] = 0
    return made


def save(
    slices: Sequence[Dataset], folder: Path, on_source: np.ndarray, *,
    where: Geometry | None = None, frames: tuple[int, ...] | None = None, **options: Any,
) -> pydicom.Dataset:  # fmt: skip
    """Write phantoms and the mask of them; read the mask back."""
    files = write(slices, folder / "images")
    source = DicomSource(
        files=tuple(files) if frames is None else tuple(files) * len(frames),
        frames=frames or (0,) * len(files),
    )
    where = where or geometry()
    labels = to_canonical(on_source, where.source_axes, where.source_flips)
    given = {"provenance": MODEL, "classes": CLASSES} | options
    save_labels(labels, where, folder / "mask.dcm", source=source, **given)
    return hd.seg.segread(folder / "mask.dcm")


def by_image(seg: pydicom.Dataset, slices: Sequence[Dataset]) -> np.ndarray:
    """Labels by the images that the frames refer to, read with pydicom alone."""
    planes = {one.SOPInstanceUID: np.zeros((seg.Rows, seg.Columns), np.uint8) for one in slices}
    places = {one.SOPInstanceUID: one.get("ImagePositionPatient") for one in slices}
    pixels = seg.pixel_array
    for frame, group in zip(
        pixels.reshape(-1, seg.Rows, seg.Columns), seg.PerFrameFunctionalGroupsSequence, strict=True
    ):
        image = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        planes[image] = np.where(frame > 0, np.uint8(number), planes[image])
        place = group.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(place, places[image], atol=1e-6)
    return np.stack([planes[one.SOPInstanceUID] for one in slices])


def whole(seg: Any, slices: Sequence[Dataset]) -> np.ndarray:
    """Labels by the images that the frames refer to, as highdicom reads them."""
    return seg.get_pixels_by_source_instance(
        [one.SOPInstanceUID for one in slices],
        combine_segments=True,
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, OBLIQUE])
def test_every_voxel_comes_back_on_its_image(
    tmp_path: Path, orientation: tuple[float, ...], is_reversed: bool
) -> None:
    slices = series(orientation=orientation)[:: -1 if is_reversed else 1]
    on_source = labels_on_source()
    seg = save(slices, tmp_path, on_source)
    np.testing.assert_array_equal(whole(seg, slices), on_source)
    np.testing.assert_allclose(
        seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient,
        orientation,
    )


@pytest.mark.parametrize(
    ("axes", "flips"),
    list(
        zip(
            itertools.permutations(range(3)),
            list(itertools.product((False, True), repeat=3))[1:7],
            strict=True,
        )
    ),
)
def test_however_the_volume_was_turned_it_is_turned_back(
    tmp_path: Path, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    slices, on_source = series(), labels_on_source()
    seg = save(slices, tmp_path, on_source, where=geometry(axes, flips))
    np.testing.assert_array_equal(whole(seg, slices), on_source)


def test_pydicom_alone_reads_the_same(tmp_path: Path) -> None:
    slices, on_source = series(orientation=OBLIQUE), labels_on_source()
    save(slices, tmp_path, on_source)
    read = pydicom.dcmread(tmp_path / "mask.dcm")
    np.testing.assert_array_equal(by_image(read, slices), on_source)


def test_segment_numbers_are_label_values_gaps_included(tmp_path: Path) -> None:
    slices = series()
    on_source = np.where(labels_on_source() == 1, np.uint8(4), np.uint8(0))
    seg = save(slices, tmp_path, on_source)
    assert [one.SegmentNumber for one in seg.SegmentSequence] == [1, 2, 3, 4]
    named = [one.SegmentLabel for one in seg.SegmentSequence]
    assert named == ["lung opacity", "mass", "label 3", "label 4"]
    np.testing.assert_array_equal(whole(seg, slices), on_source)


def test_an_empty_mask_is_a_whole_background(tmp_path: Path) -> None:
    slices = series()
    seg = save(slices, tmp_path, np.zeros(SHAPE, np.uint8), classes=CLASSES[:1])
    assert seg.NumberOfFrames == len(slices)
    assert not seg.pixel_array.any()
    np.testing.assert_array_equal(whole(seg, slices), 0)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)])
def test_frames_of_an_enhanced_ct_are_found_again(tmp_path: Path, order: tuple[int, ...]) -> None:
    image, on_source = enhanced_ct(), labels_on_source((4, 16, 12))
    seg = save([image], tmp_path, on_source, frames=order)
    read = seg.get_pixels_by_source_frame(
        image.SOPInstanceUID,
        [frame + 1 for frame in order],
        combine_segments=True,
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    np.testing.assert_array_equal(read, on_source)


def test_an_orientation_said_for_every_frame_is_enough(tmp_path: Path) -> None:
    image = enhanced_ct()
    shared = image.SharedFunctionalGroupsSequence[0]
    for group in image.PerFrameFunctionalGroupsSequence:
        group.PlaneOrientationSequence = shared.PlaneOrientationSequence
        group.PixelMeasuresSequence = shared.PixelMeasuresSequence
    del shared.PlaneOrientationSequence, shared.PixelMeasuresSequence
    seg = save([image], tmp_path, labels_on_source((4, 16, 12)), frames=(0, 1, 2, 3))
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert list(measures.PixelSpacing) == [0.7, 0.8]


def test_a_radiograph_has_one_frame_and_says_its_sides(tmp_path: Path) -> None:
    on_source = np.tri(20, 14, dtype=np.uint8)[None]
    seg = save([radiograph()], tmp_path, on_source, classes=CLASSES[:1])
    np.testing.assert_array_equal(seg.pixel_array, on_source[0])
    assert list(seg.PatientOrientation) == ["L", "F"]
    assert "FrameOfReferenceUID" not in seg


def test_a_radiograph_that_states_its_pixels_is_read_back_by_highdicom(tmp_path: Path) -> None:
    on_source = np.tri(20, 14, dtype=np.uint8)[None]
    seg = save([radiograph(PixelSpacing=[0.14, 0.14])], tmp_path, on_source, classes=CLASSES[:1])
    np.testing.assert_array_equal(seg.pixel_array, on_source[0])


def test_frames_that_cannot_be_referred_to_are_refused_and_not_lost(tmp_path: Path) -> None:
    image = radiograph(NumberOfFrames=2)
    image.PixelData = image.PixelData * 2
    with pytest.raises(OutputError, match="cannot refer to one by one"):
        save([image], tmp_path, np.ones((2, 20, 14), np.uint8), frames=(0, 1))
    assert not (tmp_path / "mask.dcm").exists()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "AUTOMATIC"),
        ({"is_edited": True}, "SEMIAUTOMATIC"),
        ({"is_edited": True, "provenance": {}}, "MANUAL"),
    ],
)
def test_it_says_how_it_came_about(tmp_path: Path, options: dict[str, Any], kind: str) -> None:
    seg = save(series(), tmp_path, labels_on_source(), **options)
    assert {one.SegmentAlgorithmType for one in seg.SegmentSequence} == {kind}
    said = json.loads(seg.DerivationDescription)
    given = options.get("provenance", MODEL)
    edited = "yes" if "is_edited" in options else "no"
    assert said == {**given, "edited": edited, "notice": RESEARCH_NOTICE}
    assert seg.ContentQualification == "RESEARCH"
    assert "research use only" in seg.SeriesDescription
    assert seg.ContentDescription == RESEARCH_NOTICE


def test_the_model_is_identified_and_the_class_is_coded(tmp_path: Path) -> None:
    seg = save(series(), tmp_path, labels_on_source())
    first = seg.SegmentSequence[0]
    algorithm = first.SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmName == first.SegmentAlgorithmName == "tgcnet mini"
    assert algorithm.AlgorithmVersion == MODEL["sha256"]
    assert algorithm.AlgorithmParameters == "threshold=0.5,window_hu=-600/1500"
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Opacity"
    assert first.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"


def test_patient_and_study_of_the_source_go_along(tmp_path: Path) -> None:
    seg = save(series(PatientName="Müller^Ä", SpecificCharacterSet="ISO_IR 100"), tmp_path,
               labels_on_source())  # fmt: skip
    assert str(seg.PatientName) == "Müller^Ä"
    assert (seg.PatientID, seg.PatientBirthDate) == ("PHANTOM-1", "19500101")
    assert (seg.StudyInstanceUID, seg.StudyDate) == (uid(0), "20240102")
    assert seg.AccessionNumber == "A-1"
    assert seg.SeriesInstanceUID != uid(1)


def test_deidentified_it_names_nobody_and_still_finds_its_images(tmp_path: Path) -> None:
    slices = series(
        ReferringPhysicianName="Dr^Who", InstitutionName="Ward 7", PatientSex="F", PatientAge="074Y"
    )
    on_source = labels_on_source()
    seg = save(slices, tmp_path, on_source, deidentify=True)
    content = (tmp_path / "mask.dcm").read_bytes()
    assert [word for word in IDENTIFYING if word.encode() in content] == []
    for keyword in EMPTIED:
        assert not seg[keyword].value, keyword
    assert "PatientAge" not in seg
    assert (seg.PatientIdentityRemoved, seg.ContentDate) == ("YES", "19000101")
    codes = [code.CodeValue for code in seg.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113110"]
    np.testing.assert_array_equal(whole(seg, slices), on_source)


def test_deidentified_the_frames_of_an_enhanced_ct_name_nobody_either(tmp_path: Path) -> None:
    image = enhanced_ct(PositionReferenceIndicator="Dr^Who", LossyImageCompression="01")
    image.LossyImageCompressionMethod = "WARD 7"
    shared = image.SharedFunctionalGroupsSequence[0]
    frames = image.PerFrameFunctionalGroupsSequence
    places = [frame.PlanePositionSequence[0] for frame in frames]
    for item in (shared, shared.PixelMeasuresSequence[0], *frames, *places):
        item.PatientName = "Dr^Who"
        item.add_new(0x00091010, "LO", "Dr^Who")
    save([image], tmp_path, labels_on_source((4, 16, 12)), frames=(0, 1, 2, 3), deidentify=True)
    content = (tmp_path / "mask.dcm").read_bytes()
    assert b"Dr^Who" not in content
    assert b"WARD 7" not in content


def test_headers_that_an_anonymiser_emptied_are_enough(tmp_path: Path) -> None:
    slices = series()
    for one in slices:
        one.StudyInstanceUID = one.SeriesInstanceUID = one.FrameOfReferenceUID = ""
        one.PatientBirthDate, one.PatientSex = "unknown", "Q"
        del one.SliceThickness
    on_source = labels_on_source()
    seg = save(slices, tmp_path, on_source)
    np.testing.assert_array_equal(whole(seg, slices), on_source)
    assert seg.StudyInstanceUID != seg.FrameOfReferenceUID != ""
    assert seg.PatientBirthDate == seg.PatientSex == ""
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.SliceThickness == 2.5


def test_rounding_of_the_orientation_does_not_matter(tmp_path: Path) -> None:
    slices = series()
    slices[2].ImageOrientationPatient = [1, 1e-6, 0, 0, 1, 0]
    on_source = labels_on_source()
    np.testing.assert_array_equal(whole(save(slices, tmp_path, on_source), slices), on_source)


def test_several_multi_frame_files_are_refused(tmp_path: Path) -> None:
    images = [enhanced_ct(), enhanced_ct(SOPInstanceUID=uid(1, 9))]
    with pytest.raises(OutputError, match="lies in 2 multi-frame DICOM files"):
        save(images, tmp_path, labels_on_source((2, 16, 12)))
    assert not (tmp_path / "mask.dcm").exists()


def test_the_mask_of_another_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="The mask has 4 slices and the DICOM image 5"):
        save(series(), tmp_path, labels_on_source((4, 16, 12)))


def test_headers_that_do_not_agree_are_refused_without_what_they_hold(tmp_path: Path) -> None:
    slices = series()
    slices[1].FrameOfReferenceUID = uid(7)
    slices[1].SeriesInstanceUID = uid(8)
    with pytest.raises(OutputError, match="headers of the DICOM image lack") as refused:
        save(slices, tmp_path, labels_on_source())
    assert refused.value.__suppress_context__
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_an_image_that_is_gone_is_told(tmp_path: Path) -> None:
    source = DicomSource(files=(tmp_path / "gone.dcm",), frames=(0,))
    with pytest.raises(InputError, match=r"gone\.dcm cannot be opened"):
        save_labels(np.zeros((1, 2, 2), np.uint8), geometry(), tmp_path / "m.dcm", source=source)


@pytest.mark.parametrize("folder", ["ct_lung_gtv_dicom/pat_1", "ct_dicom_jpeg2000/dicom"])
def test_a_scanner_s_series_gets_its_mask_back(
    data_folder: Path, tmp_path: Path, folder: str
) -> None:
    found = [(file, pydicom.dcmread(file, stop_before_pixels=True))
             for file in sorted((data_folder / folder).iterdir())]  # fmt: skip
    images = sorted(
        ((file, one) for file, one in found if one.Modality == "CT"),
        key=lambda item: float(item[1].ImagePositionPatient[2]),
    )[:6]
    source = DicomSource(files=tuple(file for file, _ in images), frames=(0,) * len(images))
    shape = (len(images), images[0][1].Rows, images[0][1].Columns)
    labels = np.random.default_rng(0).integers(0, 3, shape, dtype=np.uint8)
    save_labels(labels, geometry(), tmp_path / "m.dcm", source=source, classes=CLASSES)
    seg = hd.seg.segread(tmp_path / "m.dcm")
    for _, one in images:  # an anonymiser left these in the meta information alone
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID
    np.testing.assert_array_equal(whole(seg, [one for _, one in images]), labels)


def test_a_segmentation_may_be_replaced_and_any_other_dicom_file_may_not(tmp_path: Path) -> None:
    files = write(series(), tmp_path / "images")
    labels = labels_on_source()
    one = DicomSource(files=tuple(files[:1]), frames=(0,))
    before = files[3].read_bytes()
    with pytest.raises(OutputError, match=r"is there already and is no segmentation, which a mask"):
        save_labels(labels[:1], geometry(), files[3], source=one, classes=CLASSES)
    assert files[3].read_bytes() == before
    for _ in range(2):
        save_labels(labels[:1], geometry(), tmp_path / "mask.dcm", source=one, classes=CLASSES)
