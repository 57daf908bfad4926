"""A CNN is identified by the names and shapes of its tensors."""

from typing import Any

import timm
import torch

from tgcnet.models.recognise_weights import Shapes, recognise_cnn


def shapes_of(name: str, **options: Any) -> Shapes:
    with torch.device("meta"):
        state = timm.create_model(name, pretrained=False, **options).state_dict()
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def test_a_cnn_is_recognised_whatever_its_head() -> None:
    assert recognise_cnn(shapes_of("convnext_atto")) == ("convnext_atto",)
    assert recognise_cnn(shapes_of("convnext_atto", num_classes=3)) == ("convnext_atto",)


def test_counters_of_batches_decide_nothing() -> None:
    shapes = shapes_of("tf_efficientnet_lite0")
    without = {k: v for k, v in shapes.items() if not k.endswith("num_batches_tracked")}
    assert len(without) < len(shapes)
    assert recognise_cnn(without) == ("tf_efficientnet_lite0",)


def test_another_width_or_a_missing_tensor_is_no_cnn_that_is_known() -> None:
    shapes = dict(shapes_of("convnext_atto"))
    first = min(key for key in shapes if key.startswith("stages."))
    assert recognise_cnn({**shapes, first: (1, *shapes[first][1:])}) == ()
    assert recognise_cnn({key: shapes[key] for key in shapes if key != first}) == ()


def test_what_has_no_mark_of_a_cnn_is_none() -> None:
    assert recognise_cnn({"visual.proj": (8, 8)}) == ()
    assert recognise_cnn({}) == ()
