"""Reports: sentences, findings with negation and place, the knowledge base, edits of a text."""

from tgcnet.report.edits import contradict, spell_out_sides, swap_sides, without_location
from tgcnet.report.knowledge import Knowledge, KnowledgeFinding, load_knowledge
from tgcnet.report.rules import read_report

__all__ = [
    "Knowledge",
    "KnowledgeFinding",
    "contradict",
    "load_knowledge",
    "read_report",
    "spell_out_sides",
    "swap_sides",
    "without_location",
]
