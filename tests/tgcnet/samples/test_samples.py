"""The shipped picture and the phantom."""

import numpy as np
import pytest
from PIL import Image

from tgcnet.domain import Modality, SideKnowledge
from tgcnet.errors import InputError
from tgcnet.samples import PHANTOM_REPORT, list_samples, phantom_stack, sample_path
from tgcnet.samples.phantom import phantom_lesions


def test_every_sample_says_where_it_comes_from_and_is_small() -> None:
    attribution = (sample_path("radiograph").parent / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for sample in list_samples():
        path = sample_path(sample.name)
        assert path.stat().st_size < 300_000
        assert sample.licence.startswith("CC BY")
        assert sample.source_url in attribution
        assert path.name in attribution
        assert sample.report


def test_the_radiograph_opens_and_carries_no_text_of_its_own() -> None:
    with Image.open(sample_path("radiograph")) as picture:
        assert (picture.mode, picture.size) == ("L", (512, 408))
        assert picture.info == {}


def test_an_unknown_sample_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InputError, match=r"no sample called 'mri'; the samples are: radiograph"):
        sample_path("mri")


def test_the_phantom_is_the_same_every_time_and_says_what_it_is() -> None:
    first, second = phantom_stack(), phantom_stack()
    np.testing.assert_array_equal(first.array, second.array)
    assert first.array.shape == (40, 256, 256)
    assert first.array.dtype == np.int16
    assert (first.modality, first.intensity_unit) == (Modality.CT, "HU")
    assert "phantom" in first.notices[0]


def test_the_phantoms_geometry_is_lps_in_millimetres() -> None:
    geometry = phantom_stack().geometry
    assert geometry.spacing_zyx == (2.5, 1.4, 1.4)
    assert (geometry.unit, geometry.side_knowledge) == ("mm", SideKnowledge.FROM_FILE)
    middle = geometry.affine_lps @ np.array([19.5, 127.5, 127.5, 1.0])
    np.testing.assert_allclose(middle, [0, 0, 0, 1], atol=1e-9)
    towards_left = geometry.affine_lps @ np.array([0.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(towards_left, [1.4, 0, 0, 0])


def test_the_phantoms_lesions_are_where_its_report_says() -> None:
    assert PHANTOM_REPORT.startswith("Bilateral")
    lesions, hu = phantom_lesions(), phantom_stack().array
    assert -760 < hu[lesions].mean() < -600  # ground glass: denser than lung, no solid tissue
    left, right = lesions[:, :, 128:], lesions[:, :, :128]
    assert left[:, 128:].any()
    assert not left[:, :128].any()
    assert right[:, 128:].any()
    assert right[:, :128].any()
