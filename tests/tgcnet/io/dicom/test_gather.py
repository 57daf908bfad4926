"""What a file, a folder, a DICOMDIR or a zip holds."""

import zipfile
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID
from tests.tgcnet.io.dicom import phantoms

from tgcnet.errors import Cancelled, InputError
from tgcnet.io.dicom.gather import list_studies
from tgcnet.io.dicom.series import Listing


def remarks(listing: Listing) -> set[str]:
    return {remark.code for series in listing.series for remark in series.remarks}


def test_a_file_is_a_series_of_its_own(tmp_path: Path) -> None:
    listing = list_studies(phantoms.write_series(tmp_path)[2])
    assert [len(one.frames) for one in listing.series] == [1]


def test_a_folder_is_searched_with_the_folders_within(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "a" / "deep")
    phantoms.write_series(tmp_path / "b", series=2)
    assert [len(one.frames) for one in list_studies(tmp_path).series] == [5, 5]


def test_hidden_files_and_tables_of_contents_are_passed_over(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "a")
    phantoms.write_series(tmp_path / ".trash", series=2)
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "a" / "DICOMDIR").write_bytes(b"x")
    listing = list_studies(tmp_path)
    assert (len(listing.series), listing.skipped) == (1, ())


def test_a_link_in_a_circle_ends(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "a")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "a" / "broken").symlink_to(tmp_path / "nothing")
    (series,) = list_studies(tmp_path).series
    assert (len(series.frames), series.remarks) == (5, ())


def test_other_files_are_skipped_with_the_reason(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path)
    phantoms.write([phantoms.dataset(Modality="RTSTRUCT")], tmp_path, stem="outline")
    (tmp_path / "notes.txt").write_text("see the other disc")
    listing = list_studies(tmp_path)
    assert [one.name for one in listing.skipped] == ["notes.txt", "outline_0000.dcm"]
    assert [one.reason.split(";")[0] for one in listing.skipped] == [
        "notes.txt is not DICOM: it has neither the preamble nor the first elements of one",
        "outline_0000.dcm is DICOM, but no image (CT Image Storage)",
    ]
    assert remarks(listing) == set()


def test_a_damaged_slice_at_the_end_is_told_on_the_series(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path)
    paths[-1].write_bytes(paths[-1].read_bytes()[:300])
    listing = list_studies(tmp_path)
    assert remarks(listing) == {"unreadable-files"}
    assert listing.series[0].is_readable


def test_series_of_two_patients_are_two_series_with_a_warning(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "a")
    phantoms.write_series(tmp_path / "b", series=2, patient_id="PHANTOM-2")
    listing = list_studies(tmp_path)
    assert [one.is_readable for one in listing.series] == [True, True]
    assert [one.remarks[0].sentence for one in listing.series] == [
        "Images of 2 patients lie here, expected one patient's; check that this is the one you "
        "mean."
    ] * 2


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert list_studies(tmp_path) == Listing(series=())


def test_progress_ends_at_one(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path)
    told: list[float] = []
    list_studies(tmp_path, told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_search_can_be_stopped(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path)
    with pytest.raises(Cancelled, match="search for images was stopped"):
        list_studies(tmp_path, lambda done: False)


def test_a_single_file_that_is_no_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"notes\.txt is not DICOM"):
        list_studies(tmp_path / "notes.txt")


def test_an_absent_path_is_refused_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^gone cannot be opened \(No such file"):
        list_studies(tmp_path / "gone")


def write_directory(folder: Path, names: list[list[str]]) -> Path:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    made.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    made.file_meta.MediaStorageSOPInstanceUID = UID(phantoms.uid(3))
    made.DirectoryRecordSequence = []
    for name in names:
        record = Dataset()
        record.ReferencedFileID = name
        made.DirectoryRecordSequence.append(record)
    folder.mkdir(exist_ok=True)
    made.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder / "DICOMDIR"


def test_a_table_of_contents_leads_to_the_files_it_names(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path / "IMAGES")
    phantoms.write_series(tmp_path / "OTHER", series=2)
    for path in paths:
        path.rename(path.with_name(path.stem.upper()))
    directory = write_directory(tmp_path, [["IMAGES", path.stem.upper()] for path in paths])
    (series,) = list_studies(directory).series
    assert (len(series.frames), series.remarks) == (5, ())


def test_files_that_a_table_of_contents_misses_are_told(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path / "IMAGES")
    for path in paths[1:]:
        path.rename(path.with_name(path.stem.upper()))
    directory = write_directory(tmp_path, [["IMAGES", path.stem.upper()] for path in paths])
    assert remarks(list_studies(directory)) == {"unreadable-files", "numbers-begin-late"}


@pytest.mark.parametrize("name", [["..", "SECRET"], ["", "etc", "passwd"], ["LINK"]])
def test_a_table_of_contents_never_leads_outside(name: list[str], tmp_path: Path) -> None:
    (tmp_path / "SECRET").write_bytes(b"x")
    directory = write_directory(tmp_path / "disc", [name])
    (tmp_path / "disc" / "LINK").symlink_to(tmp_path / "SECRET")
    with pytest.raises(InputError, match="DICOMDIR names a file outside its own folder"):
        list_studies(directory)


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-reordered", "DICOMDIR-bigEnd"])
def test_a_shipped_table_of_contents_is_followed(name: str) -> None:
    files = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"
    listing = list_studies(files / name)
    assert listing.skipped or listing.series


def test_a_zip_holds_what_its_folder_held(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path / "study")
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for path in paths:
            archive.write(path, f"study/{path.name}")
        archive.writestr("__MACOSX/study/._slice", b"x")
    told: list[float] = []
    (series,) = list_studies(tmp_path / "study.zip", told.append).series
    assert (len(series.frames), series.remarks) == (5, ())
    assert told == sorted(told)
    assert told[-1] == 1


def test_an_archive_in_an_archive_is_skipped_and_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        archive.writestr("a", b"x")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "inner.zip", "inner.zip")
    (skipped,) = list_studies(tmp_path / "outer.zip").skipped
    assert skipped.reason == (
        "inner.zip is an archive within a folder or an archive, which is not opened; choose it "
        "alone."
    )


@pytest.mark.parametrize("patient", ["pat_1", "pat_2", "pat_3"])
def test_a_real_ct_beside_its_outline_is_whole(patient: str, data_folder: Path) -> None:
    listing = list_studies(data_folder / "ct_lung_gtv_dicom" / patient)
    (series,) = listing.series
    # The collection holds a part of each scan, cut out of it.
    assert [one.code for one in series.remarks] == ["numbers-begin-late"]
    assert [one.reason.count("RT Structure Set Storage") for one in listing.skipped] == [1]


def test_a_real_compressed_ct_is_readable(data_folder: Path) -> None:
    (series,) = list_studies(data_folder / "ct_dicom_jpeg2000" / "dicom").series
    assert (len(series.frames), series.is_readable) == (20, True)
    assert {one.code for one in series.remarks} == {"no-series-uid", "numbers-begin-late"}


@pytest.mark.parametrize("left", [0, 100, 150, 200])
def test_a_slice_that_lost_its_pixels_or_all_of_it_is_told(tmp_path: Path, left: int) -> None:
    last = phantoms.write_series(tmp_path)[-1]
    last.write_bytes(last.read_bytes()[:left])
    assert remarks(list_studies(tmp_path)) == {"unreadable-files"}
