"""What else is said of a finding: its extent, its size, how many there are."""

from collections.abc import Iterator

from tgcnet.report.clauses import Clause
from tgcnet.report.mentions import Marks, Mention

_MAX_WORDS = 6


def _before(marks: Marks, mention: Mention, clause: Clause) -> range:
    """The words that lead straight to a mention: back to a comma, a verb or a preposition."""
    lexicon = marks.language.lexicon
    start = mention.start
    while start > max(clause.start, mention.start - _MAX_WORDS):
        word = marks.words[start - 1]
        if word in lexicon["verb"] or word in lexicon["show"] or word in (";", ":", "."):
            break
        start -= 1
    return range(start, mention.start)


def extent_around(marks: Marks, mention: Mention, clause: Clause) -> Iterator[str]:
    """Words such as "patchy" before a mention or within it."""
    words = marks.language.lexicon["extent"]
    for index in (*_before(marks, mention, clause), *range(mention.start, mention.end)):
        if marks.words[index] in words:
            yield marks.words[index]


def size_around(marks: Marks, mention: Mention, clause: Clause) -> str:
    """A measure in the clause, else a word such as "small"; "" where there is none."""
    units, words = marks.language.lexicon["unit"], marks.words
    for index in range(clause.start, clause.end - 1):
        is_size = words[index][0].isdigit() and words[index + 1] in units
        if is_size and abs(index - mention.start) <= 2 * _MAX_WORDS:
            return f"{words[index]} {words[index + 1]}"
    sizes = marks.language.lexicon["size"]
    return next((words[i] for i in _before(marks, mention, clause) if words[i] in sizes), "")


def count_before(marks: Marks, mention: Mention, clause: Clause) -> int | None:
    """How many there are, where a number word or a small number leads to the mention."""
    words, units = marks.words, marks.language.lexicon["unit"]
    for index in _before(marks, mention, clause):
        word = words[index]
        if word in marks.language.numbers:
            return marks.language.numbers[word]
        is_measure = words[index + 1] in units or words[index + 1] == "%"
        if word.isdigit() and len(word) < 3 and not is_measure and words[index - 1] != ",":
            return int(word)
    return None
