"""What the Observations of a FHIR report say, as lines of text."""

from collections.abc import Iterable, Iterator

from tgcnet.domain import Presence
from tgcnet.io.fhir_resources import Resource, Resources, concept_of, dicts, text_of
from tgcnet.io.report_statement import Coded, Qualifiers, combined, presence_of, role_of, statements

_WITHDRAWN = {"entered-in-error", "cancelled"}
_SITE = Coded(words="Body site")


def observed(report: Resource, resources: Resources) -> tuple[str, int]:
    """The observations that a report refers to, a line for each value.

    Members of a group and components follow it. Text, codes, yes and no, whole numbers, quantities,
    ranges and ratios are read; times and sampled signals are not.

    Returns
    -------
    lines : "" where no value is given
    num_left_out : observations and components without such a value, or withdrawn
    """
    reading = _Reading(resources)
    lines = list(reading.lines(report.get("result"), report))
    return "\n".join(lines), reading.num_left_out


class _Reading:
    """One pass over a report's observations, each read once: groups may refer to each other."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._seen: set[int] = set()
        self.num_left_out = 0

    def lines(self, references: object, within: Resource) -> Iterator[str]:
        # Not recursive: a chain of members may be as long as the file.
        waiting = [(one, within) for one in reversed(dicts(references))]
        while waiting:
            reference, holder = waiting.pop()
            found = self._resources.referenced(reference, holder)
            if found is None or id(found) in self._seen:
                continue
            self._seen.add(id(found))
            if text_of(found.get("status")) in _WITHDRAWN:
                self.num_left_out += 1
                continue
            members = dicts(found.get("hasMember"))
            yield from self._observation(found, is_group=bool(members))
            waiting += [(one, found) for one in reversed(members)]

    def _observation(self, observation: Resource, *, is_group: bool) -> Iterator[str]:
        components = dicts(observation.get("component"))
        modifiers = [one for one in components if _is_modifier(one)]
        apart = [one for one in components if not _is_modifier(one)]
        qualifiers = _qualifiers_of(observation, modifiers)
        name, value = concept_of(observation.get("code")), _value(observation)
        has_parts = bool(apart) or is_group
        is_named = not has_parts and "dataAbsentReason" not in observation
        if value != Coded():
            yield from statements(name, value, qualifiers)
        elif qualifiers.presence is not None or (
            is_named and (qualifiers.sides or qualifiers.sites)
        ):
            # The code is the finding itself.
            yield from statements(Coded(), name, qualifiers)
        elif not has_parts:
            self.num_left_out += 1
        yield from qualifiers.lines
        for component in apart:
            part = _value(component)
            self.num_left_out += part == Coded()
            yield from statements(
                concept_of(component.get("code")), part, Qualifiers().within(qualifiers)
            )


def _is_modifier(component: Resource) -> bool:
    is_one = role_of(concept_of(component.get("code"))) is not None
    return is_one and _value(component) != Coded()


def _qualifiers_of(observation: Resource, modifiers: Iterable[Resource]) -> Qualifiers:
    given = [(concept_of(one.get("code")), _value(one), Qualifiers()) for one in modifiers]
    qualifiers = combined(given)
    site = concept_of(observation.get("bodySite"))
    if not site.words:
        return qualifiers
    # With its side, which a component may state.
    return combined([*given, (_SITE, site, Qualifiers(sides=qualifiers.sides))])


def _value(observation: Resource) -> Coded:
    """The value in words; a yes or no as "present" or "absent"."""
    coded = concept_of(observation.get("valueCodeableConcept"))
    if coded.words or presence_of(coded) is not None:
        return coded
    is_so = observation.get("valueBoolean")
    if isinstance(is_so, bool):
        return Coded(words=str(Presence.PRESENT if is_so else Presence.ABSENT))
    words = (
        text_of(observation.get("valueString"))
        or _number(observation.get("valueInteger"))
        or _quantity(observation.get("valueQuantity"))
        or _range(observation.get("valueRange"))
        or _ratio(observation.get("valueRatio"))
    )
    if words.strip():
        return Coded(words=words.strip())
    judged = (concept_of(one) for one in dicts(observation.get("interpretation")))
    # "Positive" answers the code; "high" alone says nothing.
    return next((one for one in judged if presence_of(one) is not None), Coded())


def _number(value: object) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def _quantity(value: object) -> str:
    if not isinstance(value, dict) or not _number(value.get("value")):
        return ""
    unit = text_of(value.get("unit")) or text_of(value.get("code"))
    unit = "" if unit == "1" else unit
    parts = (text_of(value.get("comparator")), _number(value["value"]), unit)
    return " ".join(part for part in parts if part)


def _range(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    low, high = _quantity(value.get("low")), _quantity(value.get("high"))
    return f"{low} to {high}" if low and high else (f">= {low}" if low else high and f"<= {high}")


def _ratio(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    above, below = _quantity(value.get("numerator")), _quantity(value.get("denominator"))
    return f"{above} : {below}" if above and below else ""
