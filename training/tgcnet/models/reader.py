"""What a CLIP text tower reads of a report: sentences in, token ids out, and what stayed out.

CLIP's tokenizer cuts words into byte pairs. A tower with a pruned vocabulary holds embeddings only
for tokens it was trained on; a word with any other token is left out whole, so that an unseen word
equals its deletion and no untrained vector ever reaches the model.
"""

import re
from collections.abc import Collection, Iterator
from functools import cache

from open_clip.tokenizer import SimpleTokenizer

from tgcnet.domain import EncodedText, Presence, Report

CLIP_NUM_TOKENS = 49_408
START_TOKEN, END_TOKEN = 49_406, 49_407
# Tokens whose presence alone gives a sentence nothing to say about an image.
_IS_CONTENT = re.compile(r"[^\W\d_]{3,}")
_FILLERS = frozenset({
    "the", "and", "are", "was", "were", "with", "has", "have", "had", "for", "from", "this",
    "that", "there", "which", "not", "but", "its", "his", "her", "after", "before", "into", "than",
    "then", "also", "been", "being", "all", "one", "two", "three", "four", "five", "six", "seen",
})  # fmt: skip


@cache
def clip_tokenizer() -> SimpleTokenizer:
    """CLIP's tokenizer; its merges ship inside open_clip, so it needs no network."""
    return SimpleTokenizer()


def words_with_tokens(sentence: str) -> Iterator[tuple[str, list[int]]]:
    """Each word (or punctuation mark) of a sentence with its token ids, in order."""
    tokenizer = clip_tokenizer()
    for word in tokenizer.pat.findall(tokenizer.clean_fn(sentence)):
        yield word, tokenizer.encode(word)


class ReportReader:
    """Turns a report into what one text tower reads.

    Parameters
    ----------
    kept_token_ids : the tokens the tower holds embeddings for; None means all of CLIP's
    context_length : tokens a sentence may have, start and end included
    max_sentences : sentences read at most, the first ones that say something
    """

    def __init__(
        self,
        kept_token_ids: Collection[int] | None,
        *,
        context_length: int,
        max_sentences: int,
    ) -> None:
        self._kept = None if kept_token_ids is None else frozenset(kept_token_ids)
        self._context_length = context_length
        self._max_sentences = max_sentences

    def read(self, report: Report) -> EncodedText:
        """Choose the sentences and their tokens; nothing left out goes unreported."""
        kept: list[str] = []
        left_out: list[str] = []
        token_ids: list[tuple[int, ...]] = []
        words_left_out: list[str] = []
        for sentence in report.sentences:
            ids, unknown, truncated = self.tokenize(sentence)
            if ids is None or len(kept) == self._max_sentences:
                left_out.append(sentence)
                continue
            kept.append(sentence)
            token_ids.append(ids)
            words_left_out.extend(unknown + truncated)
        return EncodedText(
            sentences_kept=tuple(kept),
            sentences_left_out=tuple(left_out),
            token_ids=tuple(token_ids),
            words_left_out=tuple(dict.fromkeys(words_left_out)),
            findings=_findings_to_look_up(report),
        )

    def tokenize(self, sentence: str) -> tuple[tuple[int, ...] | None, list[str], list[str]]:
        """Token ids (None where nothing is left to say), words unknown, words past the end."""
        ids: list[int] = []
        unknown: list[str] = []
        past_end: list[str] = []
        says_something = False
        for word, tokens in words_with_tokens(sentence):
            is_content = bool(_IS_CONTENT.fullmatch(word)) and word not in _FILLERS
            if self._kept is not None and not self._kept.issuperset(tokens):
                if is_content:
                    unknown.append(word)
            elif len(ids) + len(tokens) > self._context_length - 2:
                past_end.append(word)
            else:
                ids.extend(tokens)
                says_something = says_something or is_content
        if not says_something:
            return None, unknown, past_end
        return (START_TOKEN, *ids, END_TOKEN), unknown, past_end


def _findings_to_look_up(report: Report) -> tuple[str, ...]:
    """Findings the report speaks of as there or possibly there, each once."""
    relevant = (Presence.PRESENT, Presence.UNCERTAIN)
    return tuple(dict.fromkeys(f.name for f in report.findings if f.presence in relevant))
