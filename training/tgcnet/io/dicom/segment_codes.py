"""What a segment is called in codes that other programs understand.

A finding's code stands in the knowledge base, beside its terms.
"""

from dataclasses import dataclass

from tgcnet.report.knowledge import Coded, load_knowledge


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentCodes:
    """What kind of thing a segment is (CID 7150), and which."""

    category: Coded
    kind: Coded


ABNORMAL = Coded(scheme="SCT", value="49755003", meaning="Morphologically Abnormal Structure")
ANATOMY = Coded(scheme="SCT", value="91723000", meaning="Anatomical Structure")

# Names of classes that are no finding of the knowledge base.
_LESION = Coded(scheme="SCT", value="52988006", meaning="Lesion")
_LUNG = Coded(scheme="SCT", value="39607008", meaning="Lung")
_OTHERS = {
    "lesion": SegmentCodes(category=ABNORMAL, kind=_LESION),
    "lung": SegmentCodes(category=ANATOMY, kind=_LUNG),
}
_SNOMED = "SCT"
_MEANING_CHARACTERS = 64


def codes_for(name: str, code: str = "") -> SegmentCodes:
    """Codes of a class by its name; a name nobody knows is an abnormal structure, no more.

    Parameters
    ----------
    code : the class's own, which wins: ``SCHEME:VALUE``, or a value of SNOMED CT alone
    """
    known = " ".join(name.casefold().replace("-", " ").split())
    finding = SegmentCodes(category=ABNORMAL, kind=load_knowledge().codes.get(known, ABNORMAL))
    found = _OTHERS.get(known, finding)
    if not code.strip():
        return found
    scheme, _, value = code.strip().rpartition(":")
    meaning = name[:_MEANING_CHARACTERS] or value
    own = Coded(scheme=scheme.strip() or _SNOMED, value=value.strip(), meaning=meaning)
    return SegmentCodes(category=found.category, kind=own)
