"""Texts on their way to the encoder during training: read once, then remembered."""

from functools import lru_cache

from tgcnet.domain import EncodedText
from tgcnet.models import SegmentationModel, TextFeatures
from tgcnet.report import read_report


class TextEncoder:
    """Encodes the texts of a batch with the network's frozen tower and its DATE."""

    def __init__(self, model: SegmentationModel) -> None:
        self._model = model
        self._read = lru_cache(maxsize=20_000)(self._read_one)

    def __call__(self, texts: tuple[str, ...]) -> TextFeatures:
        return self._model.encode_text([self._read(text) for text in texts])

    def _read_one(self, text: str) -> EncodedText:
        return self._model.read_text(read_report(text))
