"""What a CLIP text tower reads of a report: sentences in, token ids out, and what stayed out.

CLIP's tokenizer cuts words into byte pairs. A tower with a pruned vocabulary holds embeddings only
for the tokens of the words it was trained on; any other word is left out whole, so that an unseen
word equals its deletion. Deleting must not turn a sentence round: where a sentence denies a finding
or tells of the past, and some of its words are unknown, all of it is left out.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache

from open_clip.tokenizer import SimpleTokenizer

from tgcnet.domain import EncodedText, Presence, Report
from tgcnet.report import spell_out_sides

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


def token_ids_of(words: Iterable[str]) -> tuple[int, ...]:
    """CLIP's ids of every token these words are made of, sorted, start and end token among them."""
    ids = {i for word in words for _, tokens in words_with_tokens(word) for i in tokens}
    return tuple(sorted({*ids, START_TOKEN, END_TOKEN}))


class ReportReader:
    """Turns a report into what one text tower reads.

    Parameters
    ----------
    words : the words the tower was trained on; None means every word CLIP's tokenizer can write
    context_length : tokens a sentence may have, start and end included
    max_sentences : sentences read at most, the first ones that say something
    """

    def __init__(
        self,
        words: Collection[str] | None,
        *,
        context_length: int,
        max_sentences: int,
    ) -> None:
        self._words = None if words is None else frozenset(words)
        self._context_length = context_length
        self._max_sentences = max_sentences

    def read(self, report: Report) -> EncodedText:
        """Choose the sentences and their tokens; nothing left out goes unreported."""
        kept: list[str] = []
        left_out: list[str] = []
        token_ids: list[tuple[int, ...]] = []
        words_left_out: list[str] = []
        for index, sentence in enumerate(report.sentences):
            ids, unknown, truncated = self.tokenize(sentence)
            said = {f.presence for f in report.findings if f.sentence == index}
            is_full = len(kept) == self._max_sentences
            if ids is None or is_full or _would_mislead(said, is_whole=not unknown + truncated):
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
        for word, tokens in words_with_tokens(spell_out_sides(sentence)):
            if self._words is not None and word not in self._words:
                if word.isalpha():
                    unknown.append(word)
            elif past_end or len(ids) + len(tokens) > self._context_length - 2:
                past_end.append(word)
            else:
                ids.extend(tokens)
                is_content = bool(_IS_CONTENT.fullmatch(word)) and word not in _FILLERS
                says_something = says_something or is_content
        if not says_something:
            return None, unknown, past_end
        return (START_TOKEN, *ids, END_TOKEN), unknown, past_end


def _would_mislead(said: set[Presence], *, is_whole: bool) -> bool:
    """Whether what is read of a sentence could claim what the sentence does not say is there."""
    if said == {Presence.HISTORY}:
        return True
    is_denial = bool(said) and said <= {Presence.ABSENT, Presence.HISTORY}
    return is_denial and not is_whole


def _findings_to_look_up(report: Report) -> tuple[str, ...]:
    """Findings the report speaks of as there or possibly there, each once."""
    relevant = (Presence.PRESENT, Presence.UNCERTAIN)
    return tuple(dict.fromkeys(f.name for f in report.findings if f.presence in relevant))
