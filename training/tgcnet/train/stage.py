"""One stage of a run: steps over all its epochs, with rate, clipping, log and checkpoints."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from tgcnet.errors import InputError
from tgcnet.train.batch_loader import Batches, BatchPlan, Share
from tgcnet.train.checkpoint import Checkpoints, Progress, restore_checkpoint, save_checkpoint
from tgcnet.train.config import Phase, TrainConfig
from tgcnet.train.data.batch import Batch
from tgcnet.train.data.training_set import TrainingSet
from tgcnet.train.optimisation import MovingAverage, cycle_lengths, rate_scale
from tgcnet.train.options import RunOptions
from tgcnet.train.run_log import RunLog


class Meter:
    """Mean loss, seconds a step and share of waiting between two lines of the log.

    The loss stays on its device until it is read.

    Parameters
    ----------
    earlier : losses of the steps since the last line of the log that were done before a stop
    """

    def __init__(self, earlier: Sequence[float] = ()) -> None:
        self._earlier = tuple(earlier)
        self._losses: list[Tensor] = []
        self._since = time.perf_counter()
        self._waited = 0.0

    def add(self, loss: Tensor) -> None:
        """A step is done."""
        self._losses.append(loss.detach().float())

    def start(self, waited: float) -> None:
        """Begin anew; time between steps, such as a validation, counts for none.

        Parameters
        ----------
        waited : seconds that the loop has waited for data so far
        """
        self._earlier = ()
        self._losses.clear()
        self.start_clock(waited)

    def start_clock(self, waited: float) -> None:
        """Time from here on, and forget no loss."""
        self._since, self._waited = time.perf_counter(), waited

    def losses(self, fabric: Fabric) -> tuple[float, ...]:
        """Of each step since the last line of the log, the mean over all processes' samples.

        Every process has to ask at the same step.
        """
        if not self._losses:
            return self._earlier
        now = fabric.all_reduce(torch.stack(self._losses), reduce_op="mean")
        assert isinstance(now, Tensor)  # noqa: S101 - for the type checker
        return (*self._earlier, *now.tolist())

    def read(self, fabric: Fabric, waited: float) -> dict[str, float]:
        """Over all processes' samples the mean loss, and this one's times; nothing without steps.

        Every process has to ask at the same step.
        """
        if not self._losses:
            return {}
        loss = torch.tensor(self.losses(fabric)).mean()
        seconds = time.perf_counter() - self._since
        values = {
            "loss": loss.item(),
            "seconds_per_step": seconds / len(self._losses),
            "wait_share": (waited - self._waited) / seconds,
        }
        self.start(waited)
        return values


def summary_of_maps(maps: Mapping[str, Tensor]) -> dict[str, float]:
    """Of each map to watch, (B, K, h, w), the mean, deviation and spatial variance."""
    values: dict[str, float] = {}
    for name, watched in maps.items():
        values[f"{name}_mean"] = watched.mean().item()
        values[f"{name}_std"] = watched.std().item()
        values[f"{name}_spatial_variance"] = watched.var(dim=(2, 3)).mean().item()
    return values


@dataclass(frozen=True, kw_only=True, slots=True)
class RunParts:
    """What both stages of a run share.

    Attributes
    ----------
    identity : what a checkpoint has to fit, as JSON: the configuration
    provenance : seed, versions and data, kept in every checkpoint
    """

    config: TrainConfig
    options: RunOptions
    fabric: Fabric
    checkpoints: Checkpoints
    log: RunLog
    identity: Mapping[str, Any]
    provenance: Mapping[str, str]


class Stage:
    """Runs over the batches of its phases.

    Parameters
    ----------
    module : what learns, and what its checkpoints hold
    average : None in a stage without one
    loss_of : a batch's loss, and the maps to watch
    after_epoch : where the run stands at an epoch's end -> the same with what validation found
    """

    def __init__(
        self,
        parts: RunParts,
        *,
        module: nn.Module,
        optimizer: Optimizer,
        average: MovingAverage | None,
        loss_of: Callable[[Batch], tuple[Tensor, Mapping[str, Tensor]]],
        after_epoch: Callable[[Progress], Progress] = lambda progress: progress,
    ) -> None:
        self._parts, self._module, self._optimizer = parts, module, optimizer
        self._average, self._loss_of, self._after_epoch = average, loss_of, after_epoch

    def run(
        self,
        training_set: TrainingSet,
        phases: Sequence[Phase],
        batch_size: int,
        done: Progress,
        *,
        is_over: Callable[[Progress], bool] = lambda progress: False,
    ) -> None:
        """Every batch from ``done`` on, or until ``is_over`` says so at an epoch's end."""
        fabric, options = self._parts.fabric, self._parts.options
        share = Share(rank=fabric.global_rank, num_processes=fabric.world_size)
        batches = Batches(
            training_set,
            BatchPlan(training_set, phases, batch_size, done, share),
            num_workers=options.num_workers,
            pins_memory=fabric.device.type == "cuda",
        )
        cycles = cycle_lengths(phases, len(training_set) // batch_size)
        meter, progress = Meter(done.unlogged), done
        if is_over(progress):
            return
        for batch, (epoch, index) in batches:
            if progress is done:
                meter.start_clock(batches.waited)  # the start of the workers is no step's
                progress = replace(progress, unlogged=())
            progress = replace(progress, epoch=epoch, batch=index, step=progress.step + 1)
            self._set_rate(progress.step, cycles)
            loss, maps = self._loss_of(batch.to(fabric.device))
            self._step(loss, progress)
            meter.add(loss)
            self._parts.log.stepped(progress, sum(cycles))
            if progress.step % options.log_every == 0 or index == 0:
                self._write_log(progress, meter.read(fabric, batches.waited), maps)
            if index == 0:
                progress = self._after_epoch(progress)
                meter.start(batches.waited)
            self._maybe_save(progress, meter)
            if index == 0 and is_over(progress):
                return

    def restore(self, path: Path) -> None:
        """Put back a checkpoint of this stage."""
        scale = restore_checkpoint(
            path, model=self._module, average=self._average, optimizer=self._optimizer
        )
        if scale:
            self._parts.fabric.strategy.precision.load_state_dict(scale)

    def _set_rate(self, step: int, cycles: list[int]) -> None:
        """The same shape for every group."""
        config = self._parts.config
        warm, cosine = rate_scale(step, cycles, warmup_steps=config.warmup_steps)
        for group in self._optimizer.param_groups:
            top = group.setdefault("top_rate", group["lr"])
            group["lr"] = warm * (config.final_rate + (top - config.final_rate) * cosine)

    def _step(self, loss: Tensor, progress: Progress) -> None:
        fabric = self._parts.fabric
        fabric.backward(loss)
        fabric.clip_gradients(
            self._module,
            self._optimizer,
            max_norm=self._parts.config.max_grad_norm,
            error_if_nonfinite=False,  # fp16's scaler leaves such a step out by itself
        )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        if self._average is not None:
            self._average.update(step=progress.step)

    def _write_log(
        self, progress: Progress, values: dict[str, float], maps: Mapping[str, Tensor]
    ) -> None:
        if not torch.isfinite(torch.tensor(values["loss"])):
            raise InputError(
                f"the loss is no number any more at step {progress.step}; expected it to fall: "
                "lower learning_rate in the recipe, or train with --precision fp32"
            )
        self._parts.log.write(progress, values | summary_of_maps(maps))

    def _maybe_save(self, progress: Progress, meter: Meter) -> None:
        if progress.step % self._parts.config.checkpoint_every and progress.batch:
            return
        unlogged = meter.losses(self._parts.fabric)
        if self._parts.fabric.is_global_zero:
            self._save(replace(progress, unlogged=unlogged))

    def _save(self, progress: Progress) -> None:
        parts = self._parts
        save_checkpoint(
            parts.checkpoints.place_for(progress.stage, progress.step),
            model=self._module,
            average=self._average,
            optimizer=self._optimizer,
            progress=progress,
            config=parts.identity,
            loss_scale=parts.fabric.strategy.precision.state_dict(),
            provenance=parts.provenance,
        )
        parts.checkpoints.drop_old()
