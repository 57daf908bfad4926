"""Show the learning loop on real data and write down what comes of it, whatever it is.

``python docs/make_finetune_demo.py --source DATASETS``: the true masks of ``gb_covid_cxr`` go
through a ledger as corrections of ``mini``, a sample of ``qata_cov19/val`` is the reference set,
the fine-tuning runs on the CPU with its defaults, and the gate's figures go to
docs/measured/finetune.json, into docs/tutorials/learning-loop.md, and as curves to
docs/images/finetune-curves.png. No picture of a patient leaves the data folder. Takes about ten
minutes on two cores; ``--from-kept`` writes the page again from what was measured last.
"""

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tgcnet.domain import Change, Comparison
from tgcnet.finetune.events import Begun, Message, Scored, Stepped, read_events
from tgcnet.gate.report_json import report_from_json

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "measured" / "finetune.json"
PAGE = ROOT / "docs" / "tutorials" / "learning-loop.md"
CURVES = ROOT / "docs" / "images" / "finetune-curves.png"
BEGIN, END = "<!-- finetune:begin -->", "<!-- finetune:end -->"

NUM_REFERENCE = 600
SEED = 0


def sample_reference(source: Path, target: Path) -> None:
    """Copy about 600 images, whole patients drawn at random, as a data folder of its own."""
    with (source / "captions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    patients = sorted({row["subject"] for row in rows})
    random.Random(SEED).shuffle(patients)
    chosen: list[dict[str, str]] = []
    for patient in patients:
        if len(chosen) >= NUM_REFERENCE:
            break
        chosen += [row for row in rows if row["subject"] == patient]
    for kind in ("image", "mask"):
        (target / f"{kind}s").mkdir(parents=True)
        for row in chosen:
            shutil.copy(source / f"{kind}s" / row[kind], target / f"{kind}s")
    with (target / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(chosen)


def run(models: Path, *words: str | Path) -> float:
    """Run a command of ours with a models folder of its own; the seconds it took."""
    environment = {**os.environ, "TGCNET_MODELS": str(models)}
    started = time.perf_counter()
    command = [sys.executable, "-P", "-m", "tgcnet.cli", *(str(word) for word in words)]
    if subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode:
        sys.exit(f"tgcnet {words[0]} failed; nothing was written down.")
    return time.perf_counter() - started


def measure(source: Path, work: Path) -> dict[str, Any]:
    """Go through the loop once."""
    ledger, reference, out = work / "ledger", work / "reference", work / "run"
    sample_reference(source / "qata_cov19" / "val", reference)
    model = ("--with-model", "mini", "--device", "cpu")
    corrections = source / "gb_covid_cxr"
    import_s = run(work / "models", "corrections", "import", corrections, "--to", ledger, *model)
    options = ("--reference", reference, "--out", out, "--device", "cpu")
    finetune_s = run(work / "models", "finetune", "--corrections", ledger, *options)
    events = read_events(out)
    begun = next(event for event in events if isinstance(event, Begun))
    return {
        "command": "python docs/make_finetune_demo.py --source DATASETS",
        "import_seconds": import_s,
        "finetune_seconds": finetune_s,
        "begun": {key: getattr(begun, key) for key in Begun.__dataclass_fields__} | {
            "process_id": None
        },
        "messages": [event.sentence for event in events if isinstance(event, Message)],
        "losses": [[event.step, event.loss] for event in events if isinstance(event, Stepped)],
        "scores": [
            [event.step, event.dice_pooled, event.dice_mean]
            for event in events
            if isinstance(event, Scored)
        ],
        "gate": json.loads((out / "gate.json").read_text("utf-8")),
    }  # fmt: skip


def page_part(kept: dict[str, Any]) -> str:
    """What was measured, as Markdown."""
    report, begun = report_from_json(kept["gate"]), kept["begun"]
    lines = [
        f"Importing 54 cases with the model's masks took {kept['import_seconds']:.0f} s. Training "
        f"on {begun['num_new']} slices with {begun['num_reference']} replayed reference images, "
        f"{begun['total_steps']} steps, and the gate took {kept['finetune_seconds'] / 60:.1f} "
        f"minutes together on two CPU cores; kept features took "
        f"{begun['cache_bytes'] / 2**20:.0f} MiB.",
        "",
        "| set | text | cases (patients) | figure | `mini` | candidate | change (95 %) |",
        "| --- | --- | ---: | --- | ---: | ---: | --- |",
    ]
    for title, comparisons in (("held out", report.held_out), ("reference", report.reference)):
        for entry in comparisons:
            lines += [
                _row(title, entry, "Dice mean", entry.dice_mean),
                _row(title, entry, "Dice pooled", entry.dice_pooled),
            ]
    verdict = "recommended" if report.recommended else "did not recommend"
    lines += ["", f"The gate {verdict} the candidate:", ""]
    lines += [f"- {reason}" for reason in report.reasons]
    return "\n".join(lines)


def _row(title: str, entry: Comparison, figure: str, change: Change) -> str:
    text = {"given": "report", "none": "nothing"}[entry.text]
    return (
        f"| {title} | {text} | {entry.num_cases} ({entry.num_patients}) | {figure} | "
        f"{change.before:.3f} | {change.after:.3f} | {change.difference:+.3f} "
        f"({change.low:+.3f} to {change.high:+.3f}) |"
    )


def draw_curves(kept: dict[str, Any]) -> None:
    """The curves as the panel shows them, without a display."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from qtpy.QtWidgets import QApplication

    from napari_tgcnet.finetune.progress import Progress
    from napari_tgcnet.finetune.views.curves import Curves

    application = QApplication.instance() or QApplication([])
    curves = Curves()
    curves.resize(900, 340)
    curves.show()
    curves.show_progress(
        Progress(
            losses=tuple((step, loss) for step, loss in kept["losses"]),
            scores=tuple(
                Scored(epoch=index, step=step, dice_pooled=pooled, dice_mean=mean)
                for index, (step, pooled, mean) in enumerate(kept["scores"])
            ),
        )
    )
    application.processEvents()
    curves.grab().save(str(CURVES))


def fill(text: str) -> None:
    """Put the figures between the page's marks."""
    before, begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{PAGE.name} has no {BEGIN} … {END} to fill.")
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def main() -> None:
    """Measure where asked, then fill the page and draw the curves."""
    parser = argparse.ArgumentParser(description="Show the learning loop on real data.")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--source", type=Path, help="holds gb_covid_cxr and qata_cov19")
    group.add_argument("--from-kept", action="store_true", help="use docs/measured/finetune.json")
    options = parser.parse_args()
    if options.source is not None:
        with tempfile.TemporaryDirectory() as work:
            kept = measure(options.source.resolve(), Path(work))
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    kept = json.loads(KEPT.read_text("utf-8"))
    fill(page_part(kept))
    draw_curves(kept)


if __name__ == "__main__":
    main()
