"""The windows that a file proposes, in the units of the decoded values."""

from dataclasses import replace

from tgcnet.domain import NamedWindow
from tgcnet.io.dicom.lut import windows_of
from tgcnet.io.dicom.series import FrameHeader

CT = FrameHeader(
    file="a.dcm",
    modality="CT",
    bits_stored=12,
    slope=1.0,
    intercept=-1024.0,
    windows=(("LUNG", -600.0, 1500.0), ("", 40.0, 400.0)),
)


def test_windows_keep_their_names_and_reach_half_a_width_to_either_side() -> None:
    assert windows_of(CT) == (
        NamedWindow(name="LUNG", low=-1350.0, high=150.0),
        NamedWindow(name="file 2", low=-160.0, high=240.0),
    )


def test_the_only_window_without_a_name_is_the_files() -> None:
    assert windows_of(replace(CT, windows=(("", 40.0, 400.0),)))[0].name == "file"


def test_equal_windows_are_one() -> None:
    twice = replace(CT, windows=(("A", 40.0, 400.0), ("B", 40.0, 400.0)))
    assert [window.name for window in windows_of(twice)] == ["A"]


def test_a_window_without_a_width_is_left_out() -> None:
    assert windows_of(replace(CT, windows=(("A", 40.0, 0.0), ("B", float("nan"), 9.0)))) == ()


def test_windows_of_inverted_values_are_inverted() -> None:
    plate = FrameHeader(
        file="a.dcm",
        modality="CR",
        photometric="MONOCHROME1",
        bits_stored=12,
        windows=(("CHEST", 1000.0, 200.0),),
    )
    assert windows_of(plate) == (NamedWindow(name="CHEST", low=2995.0, high=3195.0),)


def test_a_lookup_table_leaves_no_window() -> None:
    assert windows_of(replace(CT, has_modality_lut=True)) == ()
