"""The resources of a FHIR file as JSON, and what their references lead to."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tgcnet.errors import InputError
from tgcnet.io.report_statement import Coded

Resource = Mapping[str, Any]

_VERSION = re.compile(r"/_history/[^/]*$")


class Resources:
    """The resource of a file, those of its entries if it is a Bundle, and what these contain.

    Parameters
    ----------
    name : what a refusal calls the file

    Raises
    ------
    InputError
        If the content is no JSON object.
    """

    def __init__(self, content: bytes, name: str) -> None:
        try:
            parsed = json.loads(content.decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError, RecursionError):
            raise InputError(
                f"{name} is damaged JSON, expected a FHIR DiagnosticReport; export it again."
            ) from None
        if not isinstance(parsed, dict):
            raise InputError(f"{name} is JSON of another kind, expected a FHIR DiagnosticReport.")
        entries = [
            one for one in dicts(parsed.get("entry")) if isinstance(one.get("resource"), dict)
        ]
        self.own: list[Resource] = [parsed, *(entry["resource"] for entry in entries)]
        self._addressed: dict[str, Resource] = {}
        for entry in entries:
            self._addressed.setdefault(_address(entry.get("fullUrl")), entry["resource"])
        self._contained = [inner for one in self.own for inner in dicts(one.get("contained"))]

    def referenced(self, reference: object, within: Resource) -> Resource | None:
        """The resource that a reference leads to; None where the file does not hold it.

        An address (``urn:uuid:…``, or absolute) is an entry's ``fullUrl``; ``Type/id`` is the
        resource of that type and identifier, ``#id`` one that ``within`` contains. A version
        (``/_history/2``) is left aside: a file holds one.
        """
        target = text_of(reference.get("reference")) if isinstance(reference, dict) else ""
        target = _address(target)
        if not target.strip("#/"):
            return None
        inner = dicts(within.get("contained"))
        if target.startswith("#"):
            return _identified("", target[1:], [*inner, *self._contained, *self.own])
        if target in self._addressed:
            return self._addressed[target]
        if target.startswith("urn:"):
            # Some writers state no address, or an identifier alone.
            ident = target.rpartition(":")[2]
            return next((one for one in self.own if ident and _id(one) == ident), None)
        path, _, ident = target.rpartition("/")
        return _identified(path.rpartition("/")[2], ident, [*self.own, *inner, *self._contained])


def _address(value: object) -> str:
    """Without a version; a URN's case says nothing, while that of other addresses does."""
    address = _VERSION.sub("", text_of(value).strip())
    return address.casefold() if address[:4].casefold() == "urn:" else address


def _id(resource: Resource) -> str:
    return text_of(resource.get("id")).casefold()


def _identified(kind: str, ident: str, resources: list[Resource]) -> Resource | None:
    fitting = (
        one for one in resources if one.get("id") == ident and kind in ("", one.get("resourceType"))
    )
    return next(fitting, None)


def text_of(value: object) -> str:
    """A string as it is; "" for all else."""
    return value if isinstance(value, str) else ""


def dicts(value: object) -> list[Resource]:
    """A list's objects; one that stands alone counts as a list, as lenient writers have it."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def concept_of(value: object) -> Coded:
    """A CodeableConcept's words, its own before those of its codings, and its codes."""
    if not isinstance(value, dict):
        return Coded()
    codings = dicts(value.get("coding"))
    shown = next(filter(None, (text_of(one.get("display")) for one in codings)), "")
    codes = frozenset(text_of(one.get("code")) for one in codings) - {""}
    return Coded(words=(text_of(value.get("text")) or shown).strip(), codes=codes)
