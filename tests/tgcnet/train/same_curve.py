"""Short runs whose loss must not depend on how many processes share a batch.

As a program it is one of the processes that torchrun starts: ``same_curve FOLDER``.
"""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from tests.tgcnet.train.phantoms import (
    MODEL,
    TMCA,
    Kept,
    NoScores,
    config_for,
    phantoms,
    trainer,
)

from tgcnet.config import ModelConfig
from tgcnet.data.text_requests import RequestMix
from tgcnet.errors import InputError
from tgcnet.models import SegmentationModel, build_model
from tgcnet.train.checkpoint import FOLDER
from tgcnet.train.config import Phase, TrainConfig
from tgcnet.train.data.augment import AugmentConfig
from tgcnet.train.fabric import build_fabric, first_decides, gather_rows, in_turn, leave_together
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
    """Every case, of which the first process leaves its curve; and what both have to agree on."""
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
    resume_one_step_back(Path(folder), fabric)
    told = {
        "gathered": gathered(fabric),
        "ended": ended_early(Path(folder) / "early", fabric),
        "agreed": agreed(fabric),
    }
    (Path(folder) / f"told-{fabric.global_rank}.json").write_text(json.dumps(told))
    leave_together(fabric)


def resume_one_step_back(folder: Path, fabric: Fabric) -> None:
    """Both processes go on from a checkpoint of both."""
    out = folder / "resumed"
    if fabric.is_global_zero:
        (out / FOLDER).mkdir(parents=True)
        name = f"train-{RESUMED_AFTER:08}.safetensors"
        shutil.copy(folder / "tmca" / FOLDER / name, out / FOLDER)
    # Only the first one looks: the second would find nothing where it is sent.
    place = out if fabric.is_global_zero else folder / "resumed elsewhere"
    curve, weights = run_case("tmca", place, fabric, resume=True)
    if fabric.is_global_zero:
        (out / "curve.json").write_text(json.dumps(curve))
        torch.save(weights, out / "weights.pt")


def gathered(fabric: Fabric) -> dict[str, list[list[float]]]:
    """Rows of both and the gradient of this process's: its loss weighs the rows by its rank."""
    rank = fabric.global_rank
    rows = torch.tensor([[1.0 + rank], [10.0 + rank]], requires_grad=True)
    seen = gather_rows(fabric, rows)
    weights = torch.tensor([[1.0], [2.0], [3.0], [4.0]]) * 10**rank
    (seen * weights).sum().backward()
    assert rows.grad is not None
    return {"rows": seen.tolist(), "gradient": rows.grad.tolist()}


def ended_early(out: Path, fabric: Fabric) -> int:
    """The last step of this process in a run that gets no better."""
    kept, config = Kept(), replace(config_for(9), patience=1)
    trainer(config, out, Equal(), fabric=fabric, sinks=(kept,)).run(resume=False)
    return max(step for _, step, _ in kept.rows)


class Equal(NoScores):
    """Scores every model alike."""

    def score(self, model: SegmentationModel) -> dict[str, float]:
        return {"dice_pooled_given": 0.5}


def agreed(fabric: Fabric) -> list[str]:
    """What each way to agree comes to: an answer, the first one's refusal, the second one's."""
    rank, said = fabric.global_rank, [str(first_decides(fabric, lambda: fabric.global_rank))]

    def refuse(refusing: int) -> str:
        if rank == refusing:
            raise InputError(f"refused by {refusing}")
        return "done"

    said.append(in_turn(fabric, lambda: f"turn of {rank}"))
    for attempt in (
        lambda: first_decides(fabric, lambda: refuse(0)),
        lambda: in_turn(fabric, lambda: refuse(1)),
    ):
        try:
            said.append(attempt())
        except InputError as refusal:
            said.append(str(refusal))
    return said


if __name__ == "__main__":
    main(sys.argv[1])
