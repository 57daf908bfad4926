"""The tokens a small text tower learns: those of the captions, the templates and the knowledge."""

from collections.abc import Iterable

from tgcnet.data import phrases
from tgcnet.models.reader import END_TOKEN, START_TOKEN, words_with_tokens
from tgcnet.report import load_knowledge


def training_token_ids(captions: Iterable[str]) -> tuple[int, ...]:
    """CLIP's ids of every token that training can show the tower, sorted."""
    knowledge = (s for finding in load_knowledge().findings for s in finding.sentences)
    texts = {*captions, *phrases.vocabulary(), *knowledge}
    ids = {i for text in texts for _, tokens in words_with_tokens(text) for i in tokens}
    return tuple(sorted({*ids, START_TOKEN, END_TOKEN}))
