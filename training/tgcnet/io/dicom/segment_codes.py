"""What a segment is called in codes that other programs understand.

Codes of DICOM's own dictionary (PS3.16, CID 6104 and 7159) where it has one, else of SNOMED CT.
Lung consolidation and atelectasis are not in the standard's tables; theirs are SNOMED CT's.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """A code: SCT is SNOMED CT, DCM is DICOM."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentCodes:
    """What kind of thing a segment is (CID 7150), and which."""

    category: Coded
    kind: Coded


ABNORMAL = Coded(scheme="SCT", value="49755003", meaning="Morphologically Abnormal Structure")
ANATOMY = Coded(scheme="SCT", value="91723000", meaning="Anatomical Structure")

_OPACITY = Coded(scheme="DCM", value="112001", meaning="Opacity")
_NEOPLASM = Coded(scheme="SCT", value="108369006", meaning="Neoplasm")
_KINDS = {
    "opacity": _OPACITY,
    "lung opacity": _OPACITY,
    "ground glass opacity": Coded(scheme="DCM", value="112120", meaning="Ground glass opacity"),
    "infiltrate": Coded(scheme="DCM", value="112121", meaning="Infiltrate"),
    "consolidation": Coded(scheme="SCT", value="95436008", meaning="Lung consolidation"),
    "atelectasis": Coded(scheme="SCT", value="46621007", meaning="Atelectasis"),
    "pleural effusion": Coded(scheme="SCT", value="60046008", meaning="Pleural effusion"),
    "pneumothorax": Coded(scheme="SCT", value="36118008", meaning="Pneumothorax"),
    "pulmonary oedema": Coded(scheme="SCT", value="19242006", meaning="Pulmonary edema"),
    "fibrosis": Coded(scheme="SCT", value="112674009", meaning="Fibrosis"),
    "lymphadenopathy": Coded(scheme="SCT", value="30746006", meaning="Lymphadenopathy"),
    "lung nodule or mass": Coded(scheme="SCT", value="52988006", meaning="Lesion"),
    "lesion": Coded(scheme="SCT", value="52988006", meaning="Lesion"),
    "nodule": Coded(scheme="SCT", value="27925004", meaning="Nodule"),
    "mass": Coded(scheme="SCT", value="4147007", meaning="Mass"),
    "tumour": _NEOPLASM,
    "tumor": _NEOPLASM,
}
_ANATOMY = {"lung": Coded(scheme="SCT", value="39607008", meaning="Lung")}
_SNOMED = "SCT"
_MEANING_CHARACTERS = 64


def codes_for(name: str, code: str = "") -> SegmentCodes:
    """Codes of a class by its name; a name nobody knows is an abnormal structure, no more.

    Parameters
    ----------
    code : the class's own, which wins: ``SCHEME:VALUE``, or a value of SNOMED CT alone
    """
    known = " ".join(name.casefold().replace("-", " ").split())
    if known in _ANATOMY:
        found = SegmentCodes(category=ANATOMY, kind=_ANATOMY[known])
    else:
        found = SegmentCodes(category=ABNORMAL, kind=_KINDS.get(known, ABNORMAL))
    if not code.strip():
        return found
    scheme, _, value = code.strip().rpartition(":")
    meaning = name[:_MEANING_CHARACTERS] or value
    own = Coded(scheme=scheme.strip() or _SNOMED, value=value.strip(), meaning=meaning)
    return SegmentCodes(category=found.category, kind=own)
