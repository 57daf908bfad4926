import json
from typing import Any

import pytest

from tgcnet.errors import ConfigError
from tgcnet.report import load_knowledge
from tgcnet.report.knowledge import Coded, knowledge_from_json

CODE = {"scheme": "SCT", "value": "1", "meaning": "Cyst"}


def _file(**changes: Any) -> str:
    finding = {"name": "cyst", "synonyms": ["cysts"], "sentences": ["A cyst is round."]}
    return json.dumps({"version": "1", "language": "en", "findings": [finding]} | changes)


def _finding(**changes: Any) -> dict[str, Any]:
    return {"name": "cyst", "synonyms": [], "sentences": ["A cyst is round."]} | changes


def test_the_shipped_knowledge_is_complete_and_cached() -> None:
    knowledge = load_knowledge()
    assert knowledge is load_knowledge()
    assert knowledge.version == "1"
    names = [finding.name for finding in knowledge.findings]
    assert names[:4] == ["pulmonary infection", "consolidation", "ground glass opacity", "opacity"]
    assert {"pleural effusion", "pneumothorax", "cardiomegaly", "medical device"} <= set(names)
    assert all(2 <= len(finding.sentences) <= 4 for finding in knowledge.findings)


def test_a_finding_is_found_by_name() -> None:
    assert "infected areas" in load_knowledge().find("pulmonary infection").terms
    with pytest.raises(ConfigError, match="has no finding 'gremlin'; it has: pulmonary infection"):
        load_knowledge().find("gremlin")


def test_a_valid_file_is_read() -> None:
    (finding,) = knowledge_from_json(_file()).findings
    assert finding.terms == ("cyst", "cysts")


def test_codes_stand_beside_the_terms() -> None:
    bleb = {"scheme": "SCT", "value": "1", "meaning": "Bleb"}
    text = _file(findings=[_finding(synonyms=["bleb"], codes={"bleb": bleb})])
    assert knowledge_from_json(text).codes == {"bleb": Coded(**bleb)}
    assert load_knowledge().codes["ground glass opacity"].value == "112120"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object, got list"),
        (_file(author="x"), "unknown field 'author'"),
        ('{"version": "1", "language": "en"}', "has no field 'findings'"),
        (_file(version=1), "version must be a text that is not empty, got 1"),
        (_file(findings={}), "findings must be a list of objects, got dict"),
        (_file(findings=[_finding(colour="red")]), "number 1 has an unknown field 'colour'"),
        (_file(findings=[_finding(codes=[])]), "the codes .* must be an object, got list"),
        (_file(findings=[_finding(codes={"cyst": {}})]), "'cyst', has no field 'scheme'"),
        (_file(findings=[_finding(codes={"bleb": CODE})]), "'bleb', which is none of its terms"),
        (_file(findings=[_finding(synonyms="cysts")]), "the synonyms .* must be a list of texts"),
        (_file(findings=[_finding(sentences=[])]), "'cyst' has no sentence"),
        (_file(findings=[_finding(sentences=["word " * 30])]), "has 30 words; between 1 and 29"),
        (_file(findings=[_finding(synonyms=["cyst"])]), "'cyst' .* already belongs to 'cyst'"),
        (_file(findings=[_finding(), _finding(name="Cyst")]), "must be lower case"),
        (_file(findings=[_finding(), _finding(name="bleb", synonyms=["cyst"])]), "to 'cyst'"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        knowledge_from_json(text)
