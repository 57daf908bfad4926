import pytest

from tgcnet.report.sentences import Sentence, split_report, split_sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" \n\t . \n", ()),
        ("Heart normal. Lungs clear.", ("Heart normal.", "Lungs clear.")),
        ("Looks like a cold.The patient coughs.", ("Looks like a cold.", "The patient coughs.")),
        ("A nodule of 1.5 cm. No more.", ("A nodule of 1.5 cm.", "No more.")),
        ("Seen by Dr. Grey, e.g. at noon. Done.", ("Seen by Dr. Grey, e.g. at noon.", "Done.")),
        ("Called at 3 p.m. The line is fine.", ("Called at 3 p.m.", "The line is fine.")),
        ("Called at 3 p.m. by phone.", ("Called at 3 p.m. by phone.",)),
        ("Cleared on day 10. Better.", ("Cleared on day 10.", "Better.")),
        ("Line, e.g. XXXX. It was 1.5. lungs ok", ("Line, e.g. XXXX.", "It was 1.5.", "lungs ok")),
        ("Rib no. 3 is broken. Effusion? No.", ("Rib no. 3 is broken.", "Effusion? No.")),
        ("Effusion? Opacity.", ("Effusion?", "Opacity.")),
        ("Opacity (?pneumonia) in the l. base. Cough.",
         ("Opacity (?pneumonia) in the l. base.", "Cough.")),
        ("1. Clear lungs. 2. Old scar.", ("Clear lungs.", "Old scar.")),
        ("1.Clear lungs.\n2) Old scar\n- Clips", ("Clear lungs.", "Old scar", "Clips")),
        ("Opacity in the\nleft base,\nNot large.\nHeart normal",
         ("Opacity in the left base, Not large.", "Heart normal")),
        ("XXXX XXXX.  Heart   size XXXX.\r\nXXXX", ("XXXX XXXX.", "Heart size XXXX.", "XXXX")),
        ("No abnormality.. End", ("No abnormality..", "End")),
        ("Nodule in R.L.L. today.", ("Nodule in R.L.L. today.",)),
    ],
)  # fmt: skip
def test_a_text_is_split_where_a_reader_would(text: str, expected: tuple[str, ...]) -> None:
    assert split_sentences(text) == expected


def test_a_caption_stays_one_sentence() -> None:
    caption = "unilateral pulmonary infection, one infected area, lower left lung."
    assert split_sentences(caption) == (caption,)


def test_heads_name_the_section_and_are_not_part_of_a_sentence() -> None:
    text = "CLINICAL HISTORY: Cough. FINDINGS: No effusion IMPRESSION: Normal.\nComparison: none"
    assert split_report(text) == (
        Sentence(text="Cough.", section="indication"),
        Sentence(text="No effusion", section="findings"),
        Sentence(text="Normal.", section="impression"),
        Sentence(text="none", section="comparison"),
    )


def test_no_word_is_lost() -> None:
    text = "Dr. No saw 2.5 cm.Then 1. this\n\n2. that; e.g. XXXX? Yes!"
    joined = " ".join(split_sentences(text))
    assert [
        w for w in ("No", "2.5", "Then", "this", "that", "XXXX", "Yes") if w not in joined
    ] == []
