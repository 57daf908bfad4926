"""A run with a window of one's own."""

from dataclasses import replace

import numpy as np
import pytest

from tgcnet.domain import Modality, Volume
from tgcnet.errors import InputError, ModalityUnknownError
from tgcnet.inference.predictor import Predictor

REPORT = "Bilateral pulmonary infection, lower left lung."


def test_a_window_of_ones_own_is_the_models_with_other_numbers(
    predictor: Predictor, stack: Volume
) -> None:
    usual = predictor.segment(stack, REPORT)
    np.testing.assert_array_equal(
        predictor.segment(stack, REPORT, window_hu=(-600.0, 1500.0)).probability, usual.probability
    )
    narrow = predictor.segment(stack, REPORT, window_hu=(40.0, 400.0))
    assert narrow.probability is not None
    assert usual.probability is not None
    assert (narrow.probability != usual.probability).any()
    assert narrow.provenance == {**usual.provenance, "window_hu": "40/400"}


@pytest.mark.parametrize(
    "window", [(-600.0, 0.0), (0.0, -5.0), (float("nan"), 1.0), (0.0, float("inf")), (1e300, 1.0)]
)
def test_a_window_that_is_none_is_refused(
    predictor: Predictor, stack: Volume, window: tuple[float, float]
) -> None:
    with pytest.raises(InputError, match="is no intensity window, expected centre and width in H"):
        predictor.segment(stack, REPORT, window_hu=window)


def test_a_window_needs_hounsfield_units(predictor: Predictor, stack: Volume) -> None:
    for other in (replace(stack, modality=Modality.XRAY), replace(stack, is_display_ready=True)):
        with pytest.raises(InputError, match="the image is no CT in Hounsfield units; leave the"):
            predictor.segment(other, REPORT, window_hu=(40.0, 400.0))
    with pytest.raises(ModalityUnknownError):
        predictor.segment(
            replace(stack, modality=Modality.UNKNOWN), REPORT, window_hu=(40.0, 400.0)
        )
