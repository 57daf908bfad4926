"""How segments are described: names, colours, algorithm, and codes that other programs know.

A finding's code stands in the knowledge base, beside its terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highdicom as hd
from pydicom.sr.coding import Code

from tgcnet.domain import SegmentationClass
from tgcnet.report.knowledge import Coded, load_knowledge

MAKER = "napari-tgcnet"

_LONG_STRING = 64
_NO_COLOUR = SegmentationClass(name="", colour=(230, 80, 60))
_ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")


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


def codes_for(name: str, code: str = "") -> SegmentCodes:
    """Codes of a class by its name; a name nobody knows is an abnormal structure, no more.

    Parameters
    ----------
    code : the class's own, which takes precedence: ``SCHEME:VALUE``, or a value of SNOMED CT alone
    """
    known = " ".join(name.casefold().replace("-", " ").split())
    finding = SegmentCodes(category=ABNORMAL, kind=load_knowledge().codes.get(known, ABNORMAL))
    found = _OTHERS.get(known, finding)
    if not code.strip():
        return found
    scheme, _, value = code.strip().rpartition(":")
    meaning = name[:_LONG_STRING] or value
    own = Coded(scheme=scheme.strip() or _SNOMED, value=value.strip(), meaning=meaning)
    return SegmentCodes(category=found.category, kind=own)


def describe(
    largest: int,
    classes: Sequence[SegmentationClass],
    provenance: Mapping[str, str],
    *,
    is_edited: bool,
) -> list[hd.seg.SegmentDescription]:
    """One description a label value, from 1 on without a gap, as the standard asks.

    A value that no class has, and the first where there is none, is "label 1" and so on.
    """
    algorithm = _algorithm(provenance)
    kind = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    if algorithm is not None:
        kind = hd.seg.SegmentAlgorithmTypeValues("SEMIAUTOMATIC" if is_edited else "AUTOMATIC")
    return [
        _describe(
            number,
            classes[number - 1] if number <= len(classes) else _NO_COLOUR,
            kind,
            algorithm,
        )
        for number in range(1, max(largest, len(classes), 1) + 1)
    ]


def _describe(
    number: int,
    one: SegmentationClass,
    kind: hd.seg.SegmentAlgorithmTypeValues,
    algorithm: hd.AlgorithmIdentificationSequence | None,
) -> hd.seg.SegmentDescription:
    codes = codes_for(one.name, one.code)
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=one.name[:_LONG_STRING] or f"label {number}",
        segmented_property_category=_coded(codes.category),
        segmented_property_type=_coded(codes.kind),
        algorithm_type=kind,
        algorithm_identification=algorithm,
        display_color=hd.color.CIELabColor.from_rgb(*one.colour),
    )


def _algorithm(provenance: Mapping[str, str]) -> hd.AlgorithmIdentificationSequence | None:
    model = provenance.get("model")
    if model is None:
        return None
    return hd.AlgorithmIdentificationSequence(
        name=f"tgcnet {model}"[:_LONG_STRING],
        family=_ARTIFICIAL_INTELLIGENCE,
        version=provenance.get("sha256", "unknown")[:_LONG_STRING],  # of the weights: 64 digits
        source=MAKER,
        parameters={
            key: provenance[key] for key in ("threshold", "window_hu") if key in provenance
        },
    )


def _coded(one: Coded) -> Code:
    return Code(one.value, one.scheme, one.meaning)
