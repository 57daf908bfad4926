"""Make the golden masks again, after a change under *Numerics* only.

python tests/golden/make.py
"""

from pathlib import Path

import torch

from tgcnet import load_predictor, load_volume
from tgcnet.io import save_labels
from tgcnet.samples import list_samples, sample_path

HERE = Path(__file__).parent


def main() -> None:
    """One mask for each sample with its report, and one without a report."""
    torch.set_num_threads(1)
    predictor = load_predictor("mini", "cpu")
    for sample in list_samples():
        volume = load_volume(sample_path(sample.name), modality=sample.modality)
        for kind, report in (("report", sample.report), ("no-report", None)):
            segmentation = predictor.segment(volume, report)
            save_labels(
                segmentation.labels, segmentation.geometry, HERE / f"{sample.name}-{kind}.png"
            )


if __name__ == "__main__":
    main()
