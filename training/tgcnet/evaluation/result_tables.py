"""Evaluations as tables in Markdown and CSV, and as the JSON that ``tgcnet evaluate`` prints.

No text of any report stands in any of them.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tgcnet.evaluation.calibration import Calibration, calibration_to_json
from tgcnet.evaluation.class_match import UNION
from tgcnet.evaluation.confidence_intervals import FIGURES, NOTHING, ClassSummary, Estimate, Summary
from tgcnet.evaluation.results import Evaluation
from tgcnet.io import RESEARCH_NOTICE, write_text_atomically
from tgcnet.io.formats import CSV, format_of

TITLES = {
    "dice_pooled": "Dice pooled",
    "dice_mean": "Dice mean",
    "iou_pooled": "IoU pooled",
    "iou_mean": "IoU mean",
    "hd95_px": "HD95, px",
    "hd95_mm": "HD95, mm",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What was evaluated on what, so that a figure can be had again.

    Attributes
    ----------
    model, model_sha256 : the model's name, and the hash of its weights
    captions_sha256 : of the texts, see :func:`tgcnet.data.rows.captions_sha256`
    versions : of what computed the figures, such as "tgcnet 0.1.0"
    notices : sentences about what was scored
    """

    model: str
    model_sha256: str
    device: str
    captions_sha256: str
    versions: tuple[str, ...]
    notices: tuple[str, ...] = ()


def write_table(summary: Summary, source: Source, path: Path) -> None:
    """Write the summary, as Markdown or CSV by the file's ending, atomically.

    Raises
    ------
    OutputError
        If it cannot be written; what stood there before is intact.
    """
    to_text = to_csv if format_of(path, (CSV,)) else to_markdown
    write_text_atomically(path, to_text(summary, source))


def to_markdown(summary: Summary, source: Source) -> str:
    """The summary as Markdown: what was measured, figures, differences, how to read them."""
    keys = known_figures(summary)
    heads = ("text", "class", *(TITLES[key] for key in keys))
    parts = [
        f"Model {source.model} ({source.model_sha256[:12]}), captions "
        f"{source.captions_sha256[:12]}; {', '.join(source.versions)}, {source.device}.\n"
        f"{summary.num_images} images of {summary.num_subjects} subjects, "
        f"{summary.rows[0].num_empty} with an empty reference.",
        *source.notices,
        _markdown_rows(
            (*heads, "wrong side", "empty"), (_figure_cells(r, keys) for r in summary.rows)
        ),
    ]
    differing = [row for row in summary.rows if row.differences]
    if differing:
        parts.append("Difference from the report as given, on the same images:")
        parts.append(_markdown_rows(heads, (_difference_cells(row, keys) for row in differing)))
    parts.append(
        f"In brackets the 95 % interval, from {summary.num_resamples} draws of the subjects "
        f"(seed {summary.seed}). {RESEARCH_NOTICE}"
    )
    return "\n\n".join(parts) + "\n"


def to_csv(summary: Summary, source: Source) -> str:
    """The summary with a row for each text mode and class, every number in a column of its own."""
    rows = []
    for row in summary.rows:
        cells: dict[str, object] = {"text": row.text, "class": row.name}
        for ending, estimates in (("", row.figures), ("_difference", row.differences)):
            for key in FIGURES:
                estimate = estimates.get(key, NOTHING)
                cells[f"{key}{ending}"] = estimate.value
                cells[f"{key}{ending}_low"] = estimate.low
                cells[f"{key}{ending}_high"] = estimate.high
        cells |= {
            "side_leak": row.side_leak,
            "num_images": summary.num_images,
            "num_empty": row.num_empty,
            "num_subjects": summary.num_subjects,
            "seed": summary.seed,
            "num_resamples": summary.num_resamples,
            "model": source.model,
            "model_sha256": source.model_sha256,
            "captions_sha256": source.captions_sha256,
            "device": source.device,
            "versions": "; ".join(source.versions),
        }
        rows.append(cells)
    return _csv_of(rows)


def write_images(evaluations: Sequence[Evaluation], path: Path) -> None:
    """Each image's figures as CSV, a row for each text mode, image and class, atomically.

    Raises
    ------
    OutputError
        If it cannot be written; what stood there before is intact.
    """
    rows = []
    for evaluation in evaluations:
        names = (UNION, *evaluation.class_names)
        for image in evaluation.images:
            for name, score in zip(names, (image.score, *image.class_scores), strict=True):
                is_union = name == UNION
                cells: dict[str, object] = {
                    "text": evaluation.mode,
                    "place": image.place,
                    "image": image.image,
                    "class": name,
                    **asdict(score),
                    "area": image.area if is_union else None,
                    "wrong_side_px": image.wrong_side_px if is_union else None,
                    "seconds": image.seconds if is_union else None,
                }
                rows.append(cells)
    write_text_atomically(path, _csv_of(rows))


def known_figures(summary: Summary) -> tuple[str, ...]:
    """The figures that at least one row has."""
    return tuple(
        key for key in FIGURES if any(row.figures[key].value is not None for row in summary.rows)
    )


def in_words(key: str, estimate: Estimate, *, is_signed: bool = False) -> str:
    """A figure with its interval, such as "0.882 [0.870, 0.893]"; "-" where there is none."""
    if estimate.value is None:
        return "-"
    # "z": what rounds to nothing has no minus.
    form = f"{'+' if is_signed else ''}z.{1 if key.startswith('hd95') else 3}f"
    value = f"{estimate.value:{form}}"
    if estimate.interval is None:
        return value
    low, high = estimate.interval
    return f"{value} [{low:{form}}, {high:{form}}]"


def share_in_words(share: float | None) -> str:
    """A share in per cent; "-" where there is none."""
    return "-" if share is None else f"{share:.1%}"


def _figure_cells(row: ClassSummary, keys: Sequence[str]) -> list[str]:
    figures = [in_words(key, row.figures[key]) for key in keys]
    return [row.text, row.name, *figures, share_in_words(row.side_leak), str(row.num_empty)]


def _difference_cells(row: ClassSummary, keys: Sequence[str]) -> list[str]:
    figures = (in_words(key, row.differences[key], is_signed=True) for key in keys)
    return [row.text, row.name, *figures]


def _markdown_rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", "---", *["---:"] * (len(heads) - 2)]
    # A class's name may hold the mark that parts cells.
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (heads, rule, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _csv_of(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_json(
    evaluations: Sequence[Evaluation],
    summary: Summary,
    source: Source,
    calibrations: Sequence[Calibration],
) -> dict[str, object]:
    """One object: the figures of one text mode beside its source, of several as a list."""
    values: dict[str, object] = {
        "model": source.model,
        "model_sha256": source.model_sha256,
        "device": source.device,
        "captions_sha256": source.captions_sha256,
        "versions": list(source.versions),
        "notices": list(source.notices),
        "num_subjects": summary.num_subjects,
        "seed": summary.seed,
    }
    figures = [_mode_to_json(one, summary.of(one.mode)) for one in evaluations]
    if len(figures) == 1:
        values |= figures[0]
    else:
        values["texts"] = figures
    if calibrations:
        values["calibration"] = [calibration_to_json(one) for one in calibrations]
    return values


def _mode_to_json(evaluation: Evaluation, rows: Sequence[ClassSummary]) -> dict[str, object]:
    of_all, *of_each = rows
    values: dict[str, object] = {
        "text": str(evaluation.mode),
        **asdict(evaluation.metrics),
        "seconds_per_image": evaluation.seconds_per_image,
        "side_leak": evaluation.side_leak,
        "median_area": evaluation.median_area,
        "max_area": evaluation.max_area,
        **_intervals_to_json(of_all),
    }
    values["classes"] = [
        {"name": row.name, **asdict(metrics), **_intervals_to_json(row)}
        for row, metrics in zip(of_each, evaluation.class_metrics, strict=True)
    ]
    return values


def _intervals_to_json(row: ClassSummary) -> dict[str, object]:
    values: dict[str, object] = {"intervals": {key: row.figures[key].interval for key in FIGURES}}
    if row.differences:
        values["differences"] = {
            key: {"value": one.value, "interval": one.interval}
            for key, one in row.differences.items()
        }
    return values
