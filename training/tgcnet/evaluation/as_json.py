"""Evaluations as what ``tgcnet evaluate --json`` prints.  No torch."""

from collections.abc import Sequence
from dataclasses import asdict

from tgcnet.evaluation.calibration import Calibration, calibration_to_json
from tgcnet.evaluation.confidence_intervals import FIGURES, ClassSummary, Summary
from tgcnet.evaluation.results import Evaluation
from tgcnet.evaluation.tables import Source


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
