"""What a network costs: parameters, and arithmetic per image and per text.

Counted on fake tensors, so that no weights are needed and nothing is computed. A multiplication
with its addition is two operations; additions alone, norms and activations are not counted.
"""

from dataclasses import dataclass

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from tgcnet.config import ModelConfig
from tgcnet.domain import EncodedText
from tgcnet.models.build import build_model
from tgcnet.models.segmenter import SegmentationModel

TEXT_TOKENS = 32
"""Length of the one sentence that is counted; it names no finding, so that DATE looks up none."""
_GIGA = 1e9


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Attributes are counts, and 10^9 operations at ``side_px``.

    Attributes
    ----------
    gflop_per_image : one image, its report encoded already
    gflop_per_text : encoding one sentence of :data:`TEXT_TOKENS` tokens
    """

    total_parameters: int
    trainable_parameters: int
    side_px: int
    gflop_per_image: float
    gflop_per_text: float


def measure(config: ModelConfig, *, side_px: int) -> Cost:
    """Count a network as it trains: pretrained towers frozen, the rest learning."""
    # Built on "meta", since some networks compute while they are built; run as if on the processor,
    # since mixed precision does not support "meta".
    with torch.device("meta"):
        model = build_model(config)
    with FakeTensorMode(allow_non_fake_inputs=True):
        model.to_empty(device="cpu")
        parameters = list(model.parameters())
        learning = [p.numel() for p in parameters if p.requires_grad]
        # Where nothing learns, attention takes a fast path that the counter does not see.
        model.requires_grad_(True)
        text, image = _sentence(model), torch.zeros(1, 3, side_px, side_px)
        with FlopCounterMode(display=False) as of_text:
            features = model.encode_text([text])
        with FlopCounterMode(display=False) as of_image:
            model(image, features)
    return Cost(
        total_parameters=sum(p.numel() for p in parameters),
        trainable_parameters=sum(learning),
        side_px=side_px,
        gflop_per_image=of_image.get_total_flops() / _GIGA,
        gflop_per_text=of_text.get_total_flops() / _GIGA,
    )


def _sentence(model: SegmentationModel) -> EncodedText:
    start, end = model.reader.tokenizer.start_id, model.reader.tokenizer.end_id
    return EncodedText(token_ids=((start, *(end,) * (TEXT_TOKENS - 2), end),))
