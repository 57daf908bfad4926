"""The training loop: Lightning Fabric around two stages, towers first, then the rest.

A run's folder holds ``run.safetensors`` (the checkpoint), ``log.csv`` and, at the end, ``model/``.
Killed at any moment, it goes on from its last checkpoint with the very batches it would have seen.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tgcnet.config import to_json
from tgcnet.data.training_set import Batch, TrainingSet
from tgcnet.models import SegmentationModel, TgcNet
from tgcnet.train.best import BestModel
from tgcnet.train.checkpoint import Progress, read_progress, restore_checkpoint, save_checkpoint
from tgcnet.train.config import Phase, TrainConfig
from tgcnet.train.objective import SegmentationObjective
from tgcnet.train.pixels import PixelScale
from tgcnet.train.pretrain import TowerAlignment, add_knowledge
from tgcnet.train.run_log import RunLog
from tgcnet.train.schedule import cycle_lengths, rate_scale
from tgcnet.train.validate import Validator

_GATES = ("scale", "gamma", "log_tau")
PRETRAIN, TRAIN = "pretrain", "train"


class Trainer:
    """One run of one configuration in one folder."""

    def __init__(
        self,
        *,
        config: TrainConfig,
        model: SegmentationModel,
        training_set: TrainingSet,
        validator: Validator,
        out: Path,
        fabric: Fabric,
    ) -> None:
        self._config = config
        # Convolutions of these sizes run a third faster on a CPU with channels last (measured).
        self._model = model.to(fabric.device).to(memory_format=torch.channels_last)
        self._training_set = training_set
        self._validator = validator
        self._fabric = fabric
        self._out = out
        self._checkpoint = out / "run.safetensors"
        self._best = BestModel(out / "best.safetensors")
        # A path would tell whose disk it lay on.
        self._as_json = to_json(replace(config, clip_weights=Path(config.clip_weights).name))
        self._pixels = PixelScale(config.preprocess).to(fabric.device)

    def run(self, *, resume: bool) -> SegmentationModel:
        """Train to the end; the averaged model is returned."""
        done = Progress(stage=PRETRAIN if self._config.pretrain else TRAIN)
        if resume and self._checkpoint.exists():
            done = read_progress(self._checkpoint, self._as_json)
        else:
            resume = False
        if done.stage == PRETRAIN:
            self._pretrain(done, resume=resume)
            done, resume = Progress(stage=TRAIN), False
        return self._train(done, resume=resume)

    def _pretrain(self, done: Progress, *, resume: bool) -> None:
        """Stage one: the towers alone, on dense and contrastive alignment."""
        config = self._config.pretrain
        if config is None:
            return
        assert isinstance(self._model, TgcNet)  # noqa: S101 - TrainConfig checked it
        alignment = TowerAlignment(self._model, tau_init=config.tau_init)
        alignment.to(self._fabric.device).requires_grad_(True)
        optimizer = torch.optim.AdamW(
            alignment.parameters(), lr=config.learning_rate, weight_decay=0.05
        )
        wrapped, optimizer = self._fabric.setup(alignment, optimizer)
        if resume:
            restore_checkpoint(self._checkpoint, model=alignment, average=None, optimizer=optimizer)
        cycles = self._cycles(config.phases, config.batch_size)
        total = sum(cycles)
        log = RunLog(self._out / "log.csv", stage=PRETRAIN)
        for batch, progress in self._batches(config.phases, config.batch_size, done):
            self._set_rate(optimizer, progress.step, cycles)
            texts = add_knowledge(
                batch.texts, config.knowledge_share, f"{self._config.seed}/{progress.step}"
            )
            loss = wrapped(
                self._pixels(batch.images.to(self._fabric.device)),
                batch.masks.to(self._fabric.device),
                texts,
                soft_target_tau=config.soft_target_tau,
                contrastive_weight=config.contrastive_weight,
            )
            self._step(optimizer, loss, alignment)
            log.step(progress, loss, total)
            self._maybe_save(alignment, None, optimizer, progress)
        self._model.freeze_towers()

    def _train(self, done: Progress, *, resume: bool) -> SegmentationModel:
        """Stage two: everything but the frozen towers."""
        config = self._config
        # Frozen before the average is taken and before the optimizer looks for what learns.
        self._model.freeze_towers()
        average = AveragedModel(
            self._model,
            multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay),  # type: ignore[no-untyped-call]  # torch's
            use_buffers=False,
        )
        averaged = cast(SegmentationModel, average.module)
        optimizer = torch.optim.AdamW(parameter_groups(self._model, config), fused=True)
        objective = SegmentationObjective(self._model, config.objective)
        wrapped, optimizer = self._fabric.setup(objective, optimizer)
        if resume:
            restore_checkpoint(
                self._checkpoint, model=self._model, average=average, optimizer=optimizer
            )
        cycles = self._cycles(config.phases, config.batch_size)
        total = sum(cycles)
        log = RunLog(self._out / "log.csv", stage=TRAIN)
        self._model.train()
        for batch, progress in self._batches(config.phases, config.batch_size, done):
            self._set_rate(optimizer, progress.step, cycles)
            loss, maps = wrapped(
                self._pixels(batch.images.to(self._fabric.device)),
                batch.masks.to(self._fabric.device),
                batch.texts,
            )
            self._step(optimizer, loss, self._model)
            average.update_parameters(self._model)
            log.step(progress, loss, total, maps)
            self._maybe_save(self._model, average, optimizer, progress)
            if progress.batch == 0:
                scores = self._validator.score(averaged)
                log.validated(progress, scores)
                self._best.offer(averaged, scores)
                self._model.train()
        return self._best.restore(averaged).eval()

    def _batches(
        self, phases: tuple[Phase, ...], batch_size: int, done: Progress
    ) -> Iterator[tuple[Batch, Progress]]:
        """Every batch from ``done`` on, with where the run stands once it is done."""
        per_epoch = len(self._training_set) // batch_size
        step, epoch = done.step, 0
        for phase in phases:
            for _ in range(phase.epochs):
                first = done.batch if epoch == done.epoch else 0
                if epoch >= done.epoch:
                    batches = self._training_set.epoch(
                        epoch,
                        batch_size=batch_size,
                        side_px=phase.side_px,
                        mix=self._config.mix,
                        config=self._config.augment,
                        first_batch=first,
                    )
                    for index, batch in enumerate(batches, start=first + 1):
                        step += 1
                        is_last = index == per_epoch
                        yield (
                            batch,
                            Progress(
                                stage=done.stage,
                                epoch=epoch + is_last,
                                batch=0 if is_last else index,
                                step=step,
                            ),
                        )
                epoch += 1

    def _cycles(self, phases: tuple[Phase, ...], batch_size: int) -> list[int]:
        return cycle_lengths(phases, len(self._training_set) // batch_size)

    def _set_rate(self, optimizer: torch.optim.Optimizer, step: int, cycles: list[int]) -> None:
        """The same shape for every group."""
        config = self._config
        warm, cosine = rate_scale(step, cycles, warmup_steps=config.warmup_steps)
        for group in optimizer.param_groups:
            top = group.setdefault("top_rate", group["lr"])
            group["lr"] = warm * (config.final_rate + (top - config.final_rate) * cosine)

    def _step(self, optimizer: torch.optim.Optimizer, loss: Tensor, module: nn.Module) -> None:
        self._fabric.backward(loss)
        nn.utils.clip_grad_norm_(
            [p for p in module.parameters() if p.grad is not None], self._config.max_grad_norm
        )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _maybe_save(
        self,
        model: nn.Module,
        average: nn.Module | None,
        optimizer: torch.optim.Optimizer,
        progress: Progress,
    ) -> None:
        if progress.step % self._config.checkpoint_every == 0 or progress.batch == 0:
            save_checkpoint(
                self._checkpoint,
                model=model,
                average=average,
                optimizer=optimizer,
                progress=progress,
                config=self._as_json,
            )


def parameter_groups(model: SegmentationModel, config: TrainConfig) -> list[dict[str, object]]:
    """What learns, in groups of rate and decay: zero-initialised gates fast, the CNN slowly."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate, decay = config.learning_rate, config.weight_decay
        if name.rsplit(".", 1)[-1] in _GATES:
            rate, decay = rate * config.gate_rate_factor, 0.0
        elif name.startswith(("sse.cnn.", "cnn.")):
            rate *= config.cnn_rate_factor
        if parameter.ndim == 1:
            decay = 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
