"""Short runs whose loss must not depend on how many processes share a batch.

As a program it is one of the processes that torchrun starts: ``same_curve FOLDER``.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from tests.tgcnet.train.phantoms import MODEL, TMCA, Kept, config_for, phantoms, trainer

from tgcnet.config import ModelConfig
from tgcnet.data.augment import AugmentConfig
from tgcnet.data.requests import RequestMix
from tgcnet.models import build_model
from tgcnet.train.config import Phase, TrainConfig
from tgcnet.train.devices import build_fabric
from tgcnet.train.options import Accelerator, RunOptions
from tgcnet.weights.load import load_model

CASES = ("mini", "tmca", "towers")
RESUMED_AFTER = 2


def config_of(case: str) -> TrainConfig:
    """Four steps of a batch of 4, everything drawn at random; "towers" pretrains before."""
    config = config_for(1, pretrain=int(case == "towers"))
    models: dict[str, ModelConfig] = {"tmca": TMCA, "towers": MODEL}
    model = models.get(case) or load_model("mini").manifest.model
    return replace(
        config,
        model=model,
        phases=(Phase(epochs=1, side_px=64),),
        mix=RequestMix(),
        augment=AugmentConfig(),
        learning_rate=1e-3,
        checkpoint_every=RESUMED_AFTER,
    )


def run_case(
    case: str, out: Path, fabric: Fabric, *, resume: bool = False
) -> tuple[list[tuple[str, int, float]], dict[str, torch.Tensor]]:
    """Stage, step and loss of every step, and the averaged weights."""
    config, kept = config_of(case), Kept()
    torch.manual_seed(0)
    model = load_model("mini").model if case == "mini" else build_model(config.model)
    if model.pyramid is not None:
        model.pyramid.freeze_stem(config.frozen_cnn_stages)
    seen = phantoms(config.mix, config.augment, repeats=4)
    run = trainer(config, out, model=model, training_set=seen, fabric=fabric, sinks=(kept,))
    trained = run.run(resume=resume)
    curve = [(stage, step, v["loss"]) for stage, step, v in kept.rows if "loss" in v]
    return curve, trained.state_dict()


def main(folder: str) -> None:
    """Every case; the first process leaves its curve."""
    torch.set_num_threads(1)
    fabric = build_fabric(RunOptions(accelerator=Accelerator.CPU))
    fabric.launch()
    assert fabric.world_size == 2
    for case in CASES:
        out = Path(folder) / case
        curve, weights = run_case(case, out, fabric)
        if fabric.is_global_zero:
            (out / "curve.json").write_text(json.dumps(curve))
            torch.save(weights, out / "weights.pt")
        fabric.barrier()


if __name__ == "__main__":
    main(sys.argv[1])
