"""Whether a finding is there: cues of denial, doubt and history, and how far they reach."""

import itertools
import re
from collections.abc import Sequence

from tgcnet.domain import Presence
from tgcnet.report.clauses import Clause
from tgcnet.report.mentions import Marks, Mention
from tgcnet.report.phrases import Match
from tgcnet.report.tokens import BOX_NO, BOX_YES

_SEEN = ("seen", "present", "visible")
_ABSENT, _UNCERTAIN, _PRESENT = Presence.ABSENT, Presence.UNCERTAIN, Presence.PRESENT
IGNORED = "ignore"
_MAX_CHANGE_GAP = 3
_AGE = re.compile(r"\d+")
_CHRONIC = frozenset(
    {"emphysema", "pulmonary oedema", "fibrosis", "tuberculosis", "hyperinflation"}
)


class ClauseReader:
    """What one clause says of its mentions."""

    def __init__(self, marks: Marks, clause: Clause, mentions: Sequence[Mention]) -> None:
        self.marks, self.clause, self.mentions = marks, clause, mentions
        self.words = marks.words
        self.lexicon = marks.language.lexicon
        self.cues = [
            cue
            for cue in marks.cues
            if clause.start <= cue.start < clause.end
            and cue.value.kind != "condition"
            and not self._is_neutral(cue)
        ]

    def presence(self, index: int) -> tuple[str, int, int]:
        """What is said of a mention, and the words that its cues reach, end exclusive."""
        mention = self.mentions[index]
        start, end = mention.start, mention.end
        if mention.presence is not None:
            return mention.presence, start, end
        answer = self._answer(mention)
        if answer is not None:
            return answer
        before, start = self._said_before(index)
        after, end = self._said_after(index)
        if before is None:
            said = after or self._joined_by_or(index) or mention.default
        elif before == Presence.HISTORY and after in (_PRESENT, _ABSENT):
            said = after
        else:
            said, end = before, mention.end
        if said == _PRESENT and mention.default is _UNCERTAIN:
            said = _UNCERTAIN
        if any(cue.value.kind == "condition" for cue in self.marks.cues) and said == _PRESENT:
            said = _UNCERTAIN
        return said, start, end

    def _answer(self, mention: Mention) -> tuple[str, int, int] | None:
        """An answer as forms have it: behind a colon, a question mark or in a box."""
        words, end = self.words, self.clause.end
        at = mention.end
        if mention.start > self.clause.start and words[mention.start - 1] in (BOX_NO, BOX_YES):
            boxed = words[mention.start - 1] == BOX_YES
            return (_PRESENT if boxed else _ABSENT), mention.start - 1, mention.end
        if at < end and words[at] in (BOX_NO, BOX_YES):
            return (_PRESENT if words[at] == BOX_YES else _ABSENT), mention.start, at + 1
        if at < end and words[at] == "(":
            closing = next((i for i in range(at, min(end, at + 12)) if words[i] == ")"), None)
            if closing is not None and closing + 1 < end and words[closing + 1] in (":", "?"):
                at = closing + 1
        is_asked = at < end and words[at] in (":", "?", "=", "-")
        while at < end and words[at] in (":", "?", "=", "-"):
            at += 1
        answered = self._answer_at(at, mention, is_asked=is_asked)
        if answered is None and is_asked and words[mention.end] == "?" and at >= end:
            return _UNCERTAIN, mention.start, at
        return answered

    def _answer_at(
        self, at: int, mention: Mention, *, is_asked: bool
    ) -> tuple[str, int, int] | None:
        """The word or two that answer, from index ``at`` on."""
        words = self.words
        for kind, names in (
            (_UNCERTAIN, "unknown_answer"), (_ABSENT, "no_answer"), (_PRESENT, "yes")
        ):  # fmt: skip
            for length in (2, 1):
                text = " ".join(words[at : at + length])
                stop = at + length
                is_answer = text in self.lexicon[names] and (
                    is_asked or text in ("none", "nil", "n", "y")
                )
                ends = stop >= len(words) or not words[stop].isalpha() or self._is_new(stop)
                if is_answer and ends:
                    return kind, mention.start, min(stop, len(words))
        return None

    def _is_new(self, index: int) -> bool:
        return any(m.start == index for m in self.mentions)

    def _said_before(self, index: int) -> tuple[str | None, int]:
        """What the nearest cue before a mention makes of it, and where that cue starts."""
        mention = self.mentions[index]
        found: str | None = None
        start = mention.start
        for cue in reversed([c for c in self.cues if c.end <= mention.start]):
            if not self._leads_forward(cue) or not self._reaches(cue, index):
                continue
            kind = cue.value.kind
            if found is None:
                found, start = kind, cue.start
                if not cue.value.is_weak:
                    break
            elif kind == _ABSENT:
                return kind, cue.start
        return (found, start) if found is not None else self._without_cue(mention)

    def _without_cue(self, mention: Mention) -> tuple[str | None, int]:
        """What question marks and the patient's description make of a mention."""
        if self._is_patient(mention):
            return Presence.HISTORY, mention.start
        first = self.clause.start
        if mention.start > first and self.words[mention.start - 1] == "?":
            return _UNCERTAIN, mention.start - 1
        if self.words[first] == "?" and not self._separated(first + 1, mention.start):
            return _UNCERTAIN, first
        opened = self._opening_question(mention)
        return (None, mention.start) if opened is None else (_UNCERTAIN, opened)

    def _opening_question(self, mention: Mention) -> int | None:
        for index in range(mention.start - 1, self.clause.start - 1, -1):
            word = self.words[index]
            if word == "?" and index + 1 < mention.start:
                return index
            if word in (",", "and", "or", ";", "(", ")"):
                return None
        return None

    def _separated(self, start: int, end: int) -> bool:
        return "," in self.words[start:end]

    def _is_patient(self, mention: Mention) -> bool:
        """A lasting condition in "a 56-year-old man with …" belongs to the patient's past."""
        if mention.name not in _CHRONIC:
            return False
        before = self.words[self.clause.start : mention.start]
        return any(
            _AGE.fullmatch(word) and set(before[i + 1 : i + 6]) & self.lexicon["patient"]
            for i, word in enumerate(before)
        )

    def _leads_forward(self, cue: Match) -> bool:
        if cue.value.reach == "adjective":
            return self._leads_to_a_finding(cue.end)
        return cue.value.reach in ("forward", "both")

    def _leads_to_a_finding(self, end: int) -> bool:
        start = next((m.start for m in self.mentions if m.start >= end), None)
        if start is None or start - end > 6:
            return False
        between = self.words[end:start]
        return not any(
            word in self.lexicon["list"]
            or (word in self.lexicon["preposition"] and word != "of")
            or word in self.lexicon["verb"]
            or word in ("with", "(", ")")
            for word in between
        )

    def _reaches(self, cue: Match, index: int) -> bool:
        """Whether nothing between a cue and a mention ends the cue's reach."""
        mention = self.mentions[index]
        between = self.words[cue.end : mention.start]
        passed = [i for i, m in enumerate(self.mentions[:index]) if m.start >= cue.end]
        kind = cue.value.kind
        if "with" in between and passed and kind in (_ABSENT, Presence.HISTORY):
            gap = self.words[self.mentions[passed[-1]].end : mention.start]
            if "with" in gap and self.words[cue.start] != "without":
                return False
        if (
            cue.value.is_short
            and "," in between
            and "or" not in self.words[cue.end : self.clause.end]
        ):
            return False
        if any(word in ("now", "currently") for word in between):
            return False
        if kind == _UNCERTAIN or not passed:
            return kind == _UNCERTAIN or not self._starts_alone(cue, mention)
        chain = [*passed, index]
        return not any(self._starts_anew(a, b) for a, b in itertools.pairwise(chain))

    def _starts_alone(self, cue: Match, mention: Mention) -> bool:
        """A "no" that answers a question, or denies something that is no finding, ends there."""
        between = self.words[cue.end : mention.start]
        if cue.value.kind != _ABSENT:
            return False
        if "," in between or "and" in between:
            last = max(i for i, word in enumerate(between) if word in (",", "and"))
            if "or" in between[last:]:
                return False
            if all(self.marks.is_place(cue.end + i) for i in range(last)):
                return False  # "no left and right effusion"
            own = between[last + 1 :]
            at = cue.end + last + 1
            return any(
                word in self.lexicon["anew"] or self.marks.is_place(at + i)
                for i, word in enumerate(own)
            ) or any(w in self.lexicon["show"] for w in own)
        return any(word in self.lexicon["show"] for word in between)

    def _starts_anew(self, former: int, latter: int) -> bool:
        """Whether a mention begins a statement of its own, to which no cue before it reaches.

        It does behind a comma or an "and" where it has a place, a size or a verb of its own, or
        where the former has its verb. An "or" that goes on with the list takes that back.
        """
        one, other = self.mentions[former], self.mentions[latter]
        gap = range(one.end, other.start)
        ends = [i for i in gap if self.words[i] in (",", "and", "-", "&")]
        if not ends:
            return any(self.words[i] in self.lexicon["show"] for i in gap)
        last = ends[-1]
        if "or" in self.words[last : other.start] or "nor" in self.words[last : other.start]:
            return False
        own = range(last + 1, other.start)
        sided = any(p.value.side for p in self.marks.places if last < p.start < other.start)
        rest = self.words[other.end : self.clause.end]
        if self._goes_on_with_or(rest, needs_comma=sided):
            return False
        placed = any(last < p.start < other.start for p in self.marks.places)
        quality = any(self.words[i] in self.lexicon["anew"] for i in own)
        verb_after = bool(rest) and rest[0] in ("is", "was", "has")
        verb_before = any(self.words[i] in self.lexicon["verb"] for i in range(one.end, last))
        is_comma_and = self.words[last] == "and" and self.words[last - 1] == ","
        placed_after = (
            (self.words[last] != "and" or is_comma_and)
            and len(rest) > 1
            and rest[0] in self.lexicon["preposition"]
            and "or" not in rest
        )
        return placed or quality or verb_after or verb_before or placed_after

    @staticmethod
    def _goes_on_with_or(rest: Sequence[str], *, needs_comma: bool) -> bool:
        for index, word in enumerate(rest):
            if word in ("or", "/"):
                return not needs_comma or (index > 0 and rest[index - 1] == ",")
        return False

    def _said_after(self, index: int) -> tuple[str | None, int]:
        """What the first cue behind a mention makes of it, and where that cue ends."""
        mention = self.mentions[index]
        for cue in self.cues:
            if cue.start < mention.end:
                continue
            reach = cue.value.reach
            is_backward = reach in ("backward", "both") or (
                reach == "adjective" and not self._leads_to_a_finding(cue.end)
            )
            if not is_backward:
                continue
            if not self._is_reached_back(mention, cue):
                return None, mention.end
            return cue.value.kind, cue.end
        return None, mention.end

    def _is_reached_back(self, mention: Mention, cue: Match) -> bool:
        start = cue.start
        while start > mention.end and self.words[start - 1] in self.lexicon["verb"]:
            start -= 1
        verb = self.words[start]
        between = self.words[mention.end : start]
        others = [m for m in self.mentions if mention.end <= m.start < cue.start]
        if any(word in self.lexicon["verb"] or word in self.lexicon["show"] for word in between):
            return False
        if verb in ("is", "was", "has") and others and "and" in between:
            return False
        if cue.value.kind == _PRESENT or cue.value.reach == "both":
            return not others or verb in ("are", "were", "have")
        if others and "," in between and verb not in ("are", "were", "have"):
            return False
        return not any(word == "with" for word in between) or not others

    def _joined_by_or(self, index: int) -> Presence | None:
        """Two findings joined by "or" are alternatives, both uncertain."""
        mention = self.mentions[index]
        for other in self.mentions:
            gap = (
                self.words[mention.end : other.start]
                if other.start >= mention.end
                else self.words[other.end : mention.start]
            )
            if ("or" in gap or "vs" in gap) and len(gap) <= 4 and "," not in gap[:-1]:
                return _UNCERTAIN
        return None

    def _is_neutral(self, cue: Match) -> bool:
        """A denied change, a denial for another time or view, a sentence about the past film."""
        kind = cue.value.kind
        if kind == "neutral":
            return True
        if kind != _ABSENT:
            return False
        words = self.words
        if cue.value.reach == "forward" and words[cue.start] in ("no", "not", "without"):
            denied = self._denied_change(cue)
            if denied is not None:
                return denied
        is_behind = cue.value.reach != "forward" or words[cue.end - 1] in _SEEN
        if is_behind and self._is_about_a_prior_study(cue):
            return True
        earlier = words[max(cue.start - 3, self.clause.start) : cue.start]
        if words[cue.start] in ("resolution", "clearing", "disappearance"):
            return bool({"no", "ensure", "until", "for", "confirm", "document"} & set(earlier))
        return False

    def _words_after(self, cue: Match) -> Sequence[str]:
        """The next words of the clause, up to a finding."""
        end = min(cue.end + 8, self.clause.end)
        first = min((m.start for m in self.mentions if m.start >= cue.end), default=end)
        return self.words[cue.end : min(first, end)]

    def _denied_change(self, cue: Match) -> bool | None:
        """Whether "no change in" denies a change and not what changed; None where none is named."""
        for step, word in enumerate(self._words_after(cue)[: _MAX_CHANGE_GAP + 1]):
            if word in self.lexicon["change"]:
                stop = cue.end + step + 1
                is_noun = word in ("change", "changes") or self.words[stop : stop + 1] == ["of"]
                return is_noun or not self._leads_to_a_finding(stop)
        return None

    def _is_about_a_prior_study(self, cue: Match) -> bool:
        for word in self._words_after(cue):
            if word in (",", ";", "."):
                return False
            if word in self.lexicon["prior"]:
                return True
        return False
