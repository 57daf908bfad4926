"""The training loop: Lightning Fabric around two stages, towers first, then the rest.

A run's folder holds ``checkpoints/`` (the last two), ``best.safetensors``, ``log.csv``, ``events/``
and, at the end, ``model/``. Killed at any moment, it resumes from its last checkpoint with the same
batches that it would have seen, on as many processes as it is then given.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from tgcnet.config import TgcNetConfig
from tgcnet.config.json_values import to_json
from tgcnet.errors import InputError
from tgcnet.models import SegmentationModel, TgcNet
from tgcnet.train.checkpoint import Checkpoints, Progress, read_progress
from tgcnet.train.config import TrainConfig
from tgcnet.train.data.batch import Batch
from tgcnet.train.data.training_set import TrainingSet
from tgcnet.train.fabric import first_decides, gather_rows, share_of_batch
from tgcnet.train.frozen_features import with_kept_features
from tgcnet.train.network_inputs import PixelScale
from tgcnet.train.objective import SegmentationObjective
from tgcnet.train.optimisation import MovingAverage, parameter_groups
from tgcnet.train.options import RunOptions
from tgcnet.train.run_log import RunLog
from tgcnet.train.stage import RunParts, Stage
from tgcnet.train.tower_alignment import TowerAlignment, add_knowledge
from tgcnet.train.validation import BestModel, Validator, headline

PRETRAIN, TRAIN = "pretrain", "train"


class Trainer:
    """One run of one configuration in one folder.

    Parameters
    ----------
    validator : only the first process scores; the others wait
    provenance : seed, versions and data, kept in every checkpoint
    log : of the first process; those of the others go nowhere

    Raises
    ------
    InputError
        If the configuration's batches cannot be shared by the processes, or there are fewer
        samples than in one.
    """

    def __init__(
        self,
        *,
        config: TrainConfig,
        model: SegmentationModel,
        training_set: TrainingSet,
        validator: Validator,
        out: Path,
        fabric: Fabric,
        options: RunOptions,
        log: RunLog,
        provenance: Mapping[str, str],
    ) -> None:
        _check_batches(config, len(training_set), fabric.world_size)
        self._config, self._options, self._fabric = config, options, fabric
        # Convolutions of these sizes run a third faster on a CPU with channels last (measured).
        self._model = model.to(fabric.device).to(memory_format=torch.channels_last)
        self._training_set, self._validator, self._out = training_set, validator, out
        self._best = BestModel(out / "best.safetensors")
        self._pixels = PixelScale(config.preprocess).to(fabric.device)
        self._parts = RunParts(
            config=config,
            options=options,
            fabric=fabric,
            checkpoints=Checkpoints(out),
            log=log,
            identity=identity_of(config),
            provenance=provenance,
        )

    def run(self, *, resume: bool) -> SegmentationModel:
        """Train to the end; the best of the averaged models is returned, by the first process.

        Parameters
        ----------
        resume : continue from the newest checkpoint in the folder, where there is one

        Raises
        ------
        CheckpointError
            If the checkpoint is damaged or of another configuration.
        InputError
            If the loss is no number any more.
        """
        newest = first_decides(
            self._fabric, lambda: self._parts.checkpoints.latest() if resume else None
        )
        done = Progress(stage=PRETRAIN if self._config.pretrain else TRAIN)
        if newest is not None:
            done = read_progress(newest, self._parts.identity)
        if done.stage == PRETRAIN:
            self._pretrain(done, newest)
            done, newest = Progress(stage=TRAIN), None
        return self._train(done, newest)

    def _pretrain(self, done: Progress, checkpoint: Path | None) -> None:
        """Stage one: the towers alone, on dense and contrastive alignment."""
        config = self._config.pretrain
        if config is None:
            return
        assert isinstance(self._model, TgcNet)  # noqa: S101 - TrainConfig checked it
        alignment = TowerAlignment(self._model, tau_init=config.tau_init, gather=self._gather)
        alignment.to(self._fabric.device).requires_grad_(True)
        wrapped, optimizer = self._fabric.setup(
            alignment,
            self._adamw([{"params": list(alignment.parameters())}], config.learning_rate, 0.05),
        )

        def loss_of(batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
            loss = wrapped(
                self._pixels(batch.images),
                batch.masks,
                add_knowledge(batch.texts, config.knowledge_share, batch.keys),
                soft_target_tau=config.soft_target_tau,
                contrastive_weight=config.contrastive_weight,
            )
            return loss, {}

        stage = Stage(
            self._parts, module=alignment, optimizer=optimizer, average=None, loss_of=loss_of
        )
        if checkpoint is not None:
            stage.restore(checkpoint)
        stage.run(self._training_set, config.phases, config.batch_size, done)
        # DATE got gradients, too, although it does not learn yet: it begins without any.
        self._model.zero_grad(set_to_none=True)
        self._model.freeze_towers()

    def _train(self, done: Progress, checkpoint: Path | None) -> SegmentationModel:
        """Stage two: everything but the frozen towers."""
        config = self._config
        # Frozen before the average is taken and before the optimizer looks for what learns.
        self._model.freeze_towers()
        average = MovingAverage(self._model, decay=config.ema_decay)
        objective = SegmentationObjective(self._model, config.objective, self._gather)
        wrapped, optimizer = self._fabric.setup(
            objective,
            self._adamw(
                parameter_groups(self._model, config), config.learning_rate, config.weight_decay
            ),
        )

        def loss_of(batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
            loss, maps = wrapped(self._pixels(batch.images), batch.masks, batch.texts, batch.frozen)
            return loss, maps

        stage = Stage(
            self._parts,
            module=self._model,
            optimizer=optimizer,
            average=average,
            loss_of=loss_of,
            after_epoch=lambda progress: self._validate(average.model, progress),
        )
        if checkpoint is not None:
            stage.restore(checkpoint)
        if self._fabric.is_global_zero:
            self._drop_later_best(average.model, done)
        training_set = self._training_set
        if config.keeps_features:
            assert isinstance(config.model, TgcNetConfig)  # noqa: S101 - TrainConfig checked it
            training_set = with_kept_features(
                training_set,
                self._model,
                config.model.towers.image,
                self._pixels,
                self._fabric,
                self._cache_folder(),
            )
        self._model.train()
        stage.run(
            training_set, config.phases, config.batch_size, done,
            is_over=lambda progress: 0 < config.patience <= progress.stale_epochs,
        )  # fmt: skip
        self._fabric.barrier()
        if self._fabric.is_global_zero:
            self._best.restore(average.model)
        return average.model.eval()

    def _drop_later_best(self, model: SegmentationModel, done: Progress) -> None:
        """Keep no best model of a future that the run has left; ``model`` is its state at ``done``.

        Only one is kept. Where a later one took its place, the run's end may have been the best;
        else the next validation starts anew.
        """
        is_dropped = self._best.go_back_to(done.step)
        is_best_here = done.batch == 0 and done.stale_epochs == 0
        if is_dropped and is_best_here and done.best is not None:
            self._best.offer(model, step=done.step, score=done.best)

    def _validate(self, model: SegmentationModel, progress: Progress) -> Progress:
        """Score the model and keep it if none before was better; the others wait for the answer."""
        if self._fabric.is_global_zero:
            with self._fabric.autocast():
                scores = self._validator.score(model)
            self._parts.log.write(progress, scores)
            score = headline(scores)
            self._best.offer(model, step=progress.step, score=score)
            is_better = progress.best is None or score > progress.best
            progress = replace(
                progress,
                best=score if is_better else progress.best,
                stale_epochs=0 if is_better else progress.stale_epochs + 1,
            )
        self._model.train()
        received: Progress = self._fabric.broadcast(progress)
        return received

    def _gather(self, rows: Tensor) -> Tensor:
        return gather_rows(self._fabric, rows)

    def _cache_folder(self) -> Path:
        return self._options.cache or self._out / "cache"

    def _adamw(
        self, groups: list[dict[str, object]], rate: float, decay: float
    ) -> torch.optim.AdamW:
        # Fabric cannot clip what a fused optimizer scales back by itself.
        has_scale = bool(self._fabric.strategy.precision.state_dict())
        return torch.optim.AdamW(groups, lr=rate, weight_decay=decay, fused=not has_scale)


def _check_batches(config: TrainConfig, num_samples: int, num_processes: int) -> None:
    sizes = [config.batch_size] + ([config.pretrain.batch_size] if config.pretrain else [])
    for size in sizes:
        share_of_batch(size, num_processes)
        if num_samples < size:
            raise InputError(
                f"an epoch has {num_samples} samples, expected at least the {size} of one batch; "
                "give a smaller batch_size in the recipe, or more data"
            )


def identity_of(config: TrainConfig) -> dict[str, object]:
    """The configuration that a checkpoint has to fit, without paths, which may name a user."""
    return to_json(
        replace(
            config,
            clip_weights=Path(config.clip_weights).name,
            text_weights=Path(config.text_weights).name,
            cnn_weights=Path(config.cnn_weights).name,
        )
    )
