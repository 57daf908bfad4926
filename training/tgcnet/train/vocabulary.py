"""The words a small text tower learns: those of the captions, the templates and the knowledge."""

from collections.abc import Iterable

from tgcnet.data import phrases
from tgcnet.models.clip_towers import words_with_tokens
from tgcnet.report import load_knowledge


def training_words(captions: Iterable[str]) -> tuple[str, ...]:
    """Every word that training can show the tower, as CLIP's tokenizer cuts words, sorted."""
    knowledge = (s for finding in load_knowledge().findings for s in finding.sentences)
    texts = {*captions, *phrases.vocabulary(), *knowledge}
    return tuple(sorted({word for text in texts for word, _ in words_with_tokens(text)}))
