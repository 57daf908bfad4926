"""Reports: sentences, findings with negation and place, the knowledge base, edits of a text."""

from tgcnet.report.edits import contradict, swap_sides, without_location
from tgcnet.report.knowledge import Knowledge, KnowledgeFinding, load_knowledge, names_in
from tgcnet.report.rules import ReportReading, read_report, weigh_report
from tgcnet.report.side_words import spell_out_sides

__all__ = [
    "Knowledge",
    "KnowledgeFinding",
    "ReportReading",
    "contradict",
    "load_knowledge",
    "names_in",
    "read_report",
    "spell_out_sides",
    "swap_sides",
    "weigh_report",
    "without_location",
]
