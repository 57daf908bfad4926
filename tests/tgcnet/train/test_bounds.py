"""Every field that a recipe can set is checked where it is set."""

import copy
import math
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.tgcnet.train.phantoms import MODEL, TMCA, config_for

from tgcnet.config import (
    BertTextConfig,
    ClipImageConfig,
    ClipTextConfig,
    DateConfig,
    DecoderConfig,
    PostprocessConfig,
    PreprocessConfig,
    SseConfig,
    TimmImageConfig,
    TmcaConfig,
    VlcmConfig,
)
from tgcnet.data.sources import Source
from tgcnet.data.text_requests import RequestMix
from tgcnet.domain import Modality
from tgcnet.errors import ConfigError
from tgcnet.train.config import Phase, PretrainConfig, TrainConfig, ValidationSource
from tgcnet.train.contrast import ContrastConfig
from tgcnet.train.data.augment import AugmentConfig
from tgcnet.train.objective import Objective

PHASES = (Phase(epochs=1, side_px=64),)
RUN = config_for(1)
PRETRAIN = PretrainConfig(phases=PHASES)
SOURCE = Source(folder="seen", modality=Modality.XRAY)
SCORED = ValidationSource(folder="scored", max_rows=1)
IMAGE, TEXT = MODEL.towers.image, MODEL.towers.text
TIMM = TimmImageConfig(width=64, layers=4, heads=1, patch_px=16, side_px=32, quick_gelu=False)
BERT = BertTextConfig(width=64, layers=1, heads=1, quick_gelu=False)

OUT_OF_BOUNDS: list[tuple[object, dict[str, object], str]] = [
    (PHASES[0], {"epochs": 0}, "epochs must be at least 1, got 0"),
    (PHASES[0], {"side_px": 0}, "side_px must be divisible by 32 and at least 32, got 0"),
    (PHASES[0], {"side_px": 100}, "side_px must be divisible by 32 and at least 32, got 100"),
    (PRETRAIN, {"phases": ()}, "pretrain needs at least one phase, got none"),
    (PRETRAIN, {"batch_size": 0}, "batch_size must be at least 1, got 0"),
    (PRETRAIN, {"tau_init": 0.0}, "tau_init must lie in (0, inf), got 0.0"),
    (PRETRAIN, {"knowledge_share": 1.5}, "knowledge_share must lie in [0, 1], got 1.5"),
    (PRETRAIN, {"contrastive_weight": -1.0}, "contrastive_weight must lie in [0, inf), got -1.0"),
    (SCORED, {"max_rows": 0}, "max_rows must be at least 1, got 0"),
    (SOURCE, {"repeats": 0}, "repeats must be at least 1, got 0"),
    (RUN, {"phases": ()}, "a run needs at least one phase, got none; add one to phases"),
    (RUN, {"batch_size": 0}, "batch_size must be at least 1, got 0"),
    (RUN, {"checkpoint_every": 0}, "checkpoint_every must be at least 1, got 0"),
    (RUN, {"warmup_steps": -1}, "warmup_steps must be at least 0, got -1"),
    (RUN, {"patience": -1}, "patience must be at least 0, got -1"),
    (RUN, {"frozen_cnn_stages": -1}, "frozen_cnn_stages must be at least 0, got -1"),
    (RUN, {"seed": -1}, "seed must be from 0 to 18446744073709551615, got -1"),
    (RUN, {"seed": 2**64}, "seed must be from 0 to 18446744073709551615, got 1844"),
    (RUN, {"learning_rate": 0.0}, "learning_rate must lie in (0, inf), got 0.0"),
    (RUN, {"learning_rate": math.inf}, "learning_rate must lie in (0, inf), got inf"),
    (RUN, {"learning_rate": math.nan}, "learning_rate must lie in (0, inf), got nan"),
    (RUN, {"max_grad_norm": 0.0}, "max_grad_norm must lie in (0, inf], got 0.0"),
    (RUN, {"weight_decay": -0.1}, "weight_decay must lie in [0, inf), got -0.1"),
    (RUN, {"ema_decay": 1.0}, "ema_decay must lie in [0, 1), got 1.0"),
    (RUN, {"threshold": 1.0}, "threshold must lie in (0, 1), got 1.0"),
    (RUN, {"min_region_px": -1}, "min_region_px must be at least 0, got -1"),
    (RequestMix(), {"nothing": -0.1}, "nothing must lie in [0, 1], got -0.1"),
    (
        RequestMix(),
        {"no_text": 0.9, "reworded": 0.9},
        "the shares of a RequestMix must add up to 1 at most, got 2.18",
    ),
    (AugmentConfig(), {"rotation_deg": -1.0}, "rotation_deg must lie in [0, 180], got -1.0"),
    (AugmentConfig(), {"log_zoom": 1000.0}, "log_zoom must lie in [0, 3], got 1000.0"),
    (AugmentConfig(), {"mirrored_share": 2.0}, "mirrored_share must lie in [0, 1], got 2.0"),
    (Objective(), {"alignment_weight": -1.0}, "alignment_weight must lie in [0, inf), got -1.0"),
    (ContrastConfig(), {"weight": math.nan}, "weight must lie in [0, inf), got nan"),
    (PreprocessConfig(), {"side_px": 48}, "side_px must be divisible by 32 and at least 32"),
    (PreprocessConfig(), {"std": (1.0, 0.0, 1.0)}, "std must lie in (0, inf), got (1.0, 0.0, 1.0)"),
    (PreprocessConfig(), {"window_width_hu": 0.0}, "window_width_hu must lie in (0, inf), got 0.0"),
    (PostprocessConfig(), {"min_region_px": -1}, "min_region_px must be at least 0, got -1"),
    (IMAGE, {"patch_px": 0}, "patch_px must be at least 1, got 0"),
    (TEXT, {"max_sentences": 0}, "max_sentences must be at least 1, got 0"),
    (MODEL.towers, {"embed_dim": 0}, "embed_dim must be at least 1, got 0"),
    (SseConfig(), {"adapter_width": -1}, "adapter_width must be at least 0, got -1"),
    (DateConfig(), {"gamma_init": math.inf}, "gamma_init must lie in (-inf, inf), got inf"),
    (VlcmConfig(), {"strides": (7,)}, "strides must be some of (4, 8, 16, 32), got (7,)"),
    (DecoderConfig(), {"channels": (8, 8, 8, 9)}, "channels must be divisible by 8 and at least 8"),
    (
        MODEL,
        {"date": DateConfig(num_heads=5)},
        "DATE's width, which is the text tower's, must divide by its heads, got 32 and 5",
    ),
    (
        MODEL,
        {"vlcm": VlcmConfig(num_heads=5)},
        "the decoder's width at stride 8 must divide by its heads, got 16 and 5",
    ),
    (TMCA, {"joint_dim": 0}, "joint_dim must be at least 1, got 0"),
    (TMCA, {"num_classes": 0}, "num_classes must be at least 1, got 0"),
    (TMCA, {"num_heads": 3}, "the decoder's width at stride 8 must divide by its heads"),
]
OF_ANOTHER_TYPE: list[tuple[object, dict[str, object], str]] = [
    (RUN, {"learning_rate": "3e-4"}, "learning_rate must be float, got '3e-4'"),
    (RUN, {"batch_size": 16.0}, "batch_size must be int, got 16.0"),
    (RUN, {"batch_size": np.int64(16)}, "batch_size must be int, got"),
    (RUN, {"seed": True}, "seed must be int, got True"),
    (RUN, {"pretrain": True}, "pretrain must be PretrainConfig | None, got True"),
    (RUN, {"phases": list(PHASES)}, "phases must be tuple[Phase, ...], got [Phase("),
    (RUN, {"model": "mini"}, "model must be TgcNetConfig | TmcaConfig, got 'mini'"),
    (SOURCE, {"modality": "ct"}, "modality must be Modality, got 'ct'"),
    # Names of files may be a patient's.
    (SOURCE, {"exclude": "Miller.png"}, "exclude must be tuple[str, ...], got a str"),
    (SOURCE, {"exclude": ("Miller.png", 1)}, "exclude must be tuple[str, ...], got a tuple"),
    (VlcmConfig(), {"strides": ("8",)}, "strides must be tuple[int, ...], got ('8',)"),
    (PreprocessConfig(), {"mean": (0.5, 0.5)}, "mean must be tuple[float, float, float], got (0.5"),
]


@pytest.mark.parametrize(("made", "changes", "said"), OUT_OF_BOUNDS)
def test_what_no_run_can_use_is_refused(made: Any, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        replace(made, **changes)
    assert said in str(refused.value)


@pytest.mark.parametrize(("made", "changes", "said"), OF_ANOTHER_TYPE)
def test_a_value_of_another_type_is_refused(
    made: Any, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        checked(made, **changes)
    assert said in str(refused.value)
    assert "Miller" not in str(refused.value)


def checked(made: Any, **changes: object) -> Any:
    """As ``replace``, past the tests' own checks of types, which users' recipes do not have."""
    other = copy.copy(made)
    for name, value in changes.items():
        object.__setattr__(other, name, value)
    other.__post_init__()
    return other


@pytest.mark.parametrize(
    ("made", "changes"),
    [
        (RUN, {"warmup_steps": 0}),
        (RUN, {"seed": 2**64 - 1, "max_grad_norm": math.inf}),
        (AugmentConfig(), dict.fromkeys(("log_zoom", "noise", "mirrored_share"), 0.0)),
        # Their sum is 1 and a rounding.
        (RequestMix(), dict.fromkeys((f.name for f in fields(RequestMix)), 1 / 7)),
        (MODEL, {"date": DateConfig(enabled=False, num_heads=5)}),
    ],
)
def test_what_lies_at_an_end_is_allowed(made: Any, changes: dict[str, object]) -> None:
    replace(made, **changes)


def test_a_whole_number_is_a_float_too() -> None:
    checked(RUN, learning_rate=1, ema_decay=0)


def configurations() -> set[type]:
    """TrainConfig and every dataclass that it holds, however deep."""
    found: set[type] = set()
    open_ones: list[Any] = [TrainConfig, PretrainConfig, ClipImageConfig, ClipTextConfig]
    open_ones += [TimmImageConfig, BertTextConfig]
    open_ones += [TmcaConfig, type(MODEL), Phase, Source, PostprocessConfig]
    while open_ones:
        one = open_ones.pop()
        if is_dataclass(one) and one not in found:
            found.add(one)  # type: ignore[arg-type]
            open_ones += [field.type for field in fields(one)]
    return found


def test_no_field_is_left_unchecked() -> None:
    """An object is no value of any field that a recipe sets."""
    for one in configurations():
        made = _one_of(one)
        for field in fields(one):
            with pytest.raises(ConfigError, match=f"{field.name} must be"):
                checked(made, **{field.name: object()})


def _one_of(kind: type) -> Any:
    known = [RUN, PRETRAIN, PHASES[0], SOURCE, SCORED, MODEL, TMCA, IMAGE, TEXT, MODEL.towers]
    known += [TIMM, BERT]
    return next((one for one in known if type(one) is kind), None) or kind()
