"""What a text tower reads of a report: a prompt or its sentences, as token ids.

A tower that was trained on compiled prompts reads the one sentence that the report's findings make
(``tgcnet.report.prompts``). Any other reads the report's own sentences, as follows.

Tokenizers cut words into pieces. A tower may know none of a word's pieces, and one with a pruned
vocabulary knows only the words it was trained on; such a word is left out whole, so that an unseen
word equals its deletion. Deleting words must not change what a sentence claims: where the rest
would be read differently, the whole sentence is left out.
"""

import re
from dataclasses import dataclass

from tgcnet.domain import EncodedText, Presence, Report, Side
from tgcnet.models.text_tower import Tokenizer
from tgcnet.report import names_in, read_report, spell_out_sides
from tgcnet.report.prompts import compile_prompt

_SOUGHT = (Presence.PRESENT, Presence.UNCERTAIN)
# A sentence needs a content word that is no filler to say anything about an image.
_CONTENT_WORD = re.compile(r"[^\W\d_]{3,}")
_FILLERS = frozenset({
    "the", "and", "are", "was", "were", "with", "has", "have", "had", "for", "from", "this",
    "that", "there", "which", "not", "but", "its", "his", "her", "after", "before", "into", "than",
    "then", "also", "been", "being", "all", "one", "two", "three", "four", "five", "six", "seen",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What is read of one sentence: its words, and the letters-only words that are not read."""

    ids: tuple[int, ...] | None
    words: tuple[str, ...]
    unknown: tuple[str, ...]
    past_end: tuple[str, ...]
    is_whole: bool


class ReportReader:
    """Turns a report into what one text tower reads.

    Parameters
    ----------
    tokenizer : the tower's own
    context_length : tokens a sentence may have, start and end included
    max_sentences : sentences read at most, the first ones that have content
    knowledge_version : of the knowledge base whose sentences the model was trained with

    Attributes
    ----------
    prompted_findings : names of those that are compiled into a prompt; None where the tower reads
        a report's own sentences
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        context_length: int,
        max_sentences: int,
        knowledge_version: str = "1",
    ) -> None:
        self.knowledge_version = knowledge_version
        self.tokenizer = tokenizer
        self._context_length = context_length
        self._max_sentences = max_sentences
        self.prompted_findings: tuple[str, ...] | None = None

    def read(self, report: Report) -> EncodedText:
        """Compile the prompt, or choose sentences and list everything that is left out."""
        if self.prompted_findings is not None:
            return self._read_prompt(report, self.prompted_findings)
        kept: list[str] = []
        left_out: list[str] = []
        past_end: list[str] = []
        reads: list[_Read] = []
        for index, sentence in enumerate(report.sentences):
            read = self._read_sentence(sentence)
            said = {f.presence for f in report.findings if f.sentence == index}
            if (
                read.ids is None
                or said == {Presence.HISTORY}
                or not _means_the_same(sentence, read)
            ):
                left_out.append(sentence)
            elif len(kept) == self._max_sentences:
                left_out.append(sentence)
                past_end.append(sentence)
            else:
                kept.append(sentence)
                reads.append(read)
        return EncodedText(
            sentences_kept=tuple(kept),
            sentences_left_out=tuple(left_out),
            sentences_past_end=tuple(past_end),
            token_ids=tuple(read.ids for read in reads if read.ids is not None),
            words_left_out=tuple(dict.fromkeys(word for read in reads for word in read.unknown)),
            words_past_end=tuple(dict.fromkeys(word for read in reads for word in read.past_end)),
            findings=_findings_to_look_up(report, self.knowledge_version),
        )

    def _read_prompt(self, report: Report, segmentable: tuple[str, ...]) -> EncodedText:
        """The prompt's tokens; the same for equal findings, in whatever words and order."""
        prompt = compile_prompt(report.findings, segmentable)
        ids = self._read_sentence(prompt).ids if prompt else None
        names = set(_findings_to_look_up(report, self.knowledge_version))
        return EncodedText(
            sentences_kept=(prompt,) if prompt else (),
            token_ids=() if ids is None else (ids,),
            findings=tuple(name for name in segmentable if name in names),
        )

    def tokenize(self, sentence: str) -> tuple[tuple[int, ...] | None, list[str], list[str]]:
        """Token ids (None where no content is left), words unknown, words past the end."""
        read = self._read_sentence(sentence)
        return read.ids, list(read.unknown), list(read.past_end)

    def _read_sentence(self, sentence: str) -> _Read:
        start, end = self.tokenizer.start_id, self.tokenizer.end_id
        ids: list[int] = []
        words: list[str] = []
        unknown: list[str] = []
        past_end: list[str] = []
        for word, tokens in self.tokenizer.words_with_tokens(spell_out_sides(sentence)):
            if tokens is None:
                unknown.append(word)
            elif past_end or len(ids) + len(tokens) > self._context_length - 2:
                past_end.append(word)
            else:
                ids.extend(tokens)
                words.append(word)
        has_content = any(_CONTENT_WORD.fullmatch(w) and w.lower() not in _FILLERS for w in words)
        return _Read(
            ids=(start, *ids, end) if has_content else None,
            words=tuple(words),
            unknown=tuple(filter(str.isalpha, unknown)),
            past_end=tuple(filter(str.isalpha, past_end)),
            is_whole=not unknown + past_end,
        )


def _means_the_same(sentence: str, read: _Read) -> bool:
    """Whether the words that are read claim the same as the whole sentence.

    A finding's name or zone may be among the words that are not read, as long as another finding
    states what is on which side; a lost side or a lost negation may not.
    """
    return read.is_whole or _claims(" ".join(read.words)) == _claims(sentence)


def _claims(text: str) -> set[tuple[Presence, Side | None]]:
    """What is there, on which side; a doubtful finding counts as present."""
    return {
        (Presence.PRESENT if f.presence in _SOUGHT else f.presence, f.side)
        for f in read_report(text).findings
    }


def _findings_to_look_up(report: Report, version: str) -> tuple[str, ...]:
    """Findings the report speaks of as there or possibly there, each once."""
    return names_in(version, [f.name for f in report.findings if f.presence in _SOUGHT])
