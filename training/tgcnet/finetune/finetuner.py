"""The fine-tuning loop: micro-batches, a stop between them, roll-back, resumption to the bit.

Every few steps and at the end the state is saved, once the next loss from it was found fine, so
that there is always one to roll back to. On a stop the last finished step is saved beside it,
before its next loss is known. The held-out corrections select nothing: they are scored for the
curve, and judged by the gate.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tgcnet.errors import Cancelled, InputError
from tgcnet.finetune.config import (
    CHECKPOINT_FILE,
    STOPPED_FILE,
    FinetuneConfig,
)
from tgcnet.finetune.distillation import FinetuneObjective
from tgcnet.finetune.events import Event, Message, Stepped
from tgcnet.finetune.safeguards import (
    MAX_ROLLBACKS,
    is_fine,
    needs_memory,
    too_small_for,
    with_latest,
)
from tgcnet.finetune.samples import BatchPlan, Sample
from tgcnet.inference.volume_runner import is_out_of_memory
from tgcnet.models import SegmentationModel
from tgcnet.train.checkpoint import Progress, read_progress, restore_checkpoint, save_checkpoint
from tgcnet.train.data.batch import to_planes
from tgcnet.train.data.fixed_views import VARIANTS, Variant
from tgcnet.train.frozen_features import FeatureCache
from tgcnet.train.network_inputs import PixelScale
from tgcnet.train.optimisation import rate_scale

STAGE = "finetune"
Choice = tuple[Sample, Variant, str]
"""An image, the view of it, and the text that goes with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Callbacks:
    """What the loop calls: for an event, to ask whether to stop, and to score (epoch, step)."""

    on_event: Callable[[Event], None]
    should_stop: Callable[[], bool]
    score: Callable[[int, int], None]


class Finetuner:
    """One run in one folder.

    Parameters
    ----------
    model : the parent's weights to start with; :func:`choose_what_learns` was applied
    parent : the same weights, left alone, to distil from; None where a reference set is replayed
    cache : None where the towers learn, so that nothing can be kept
    identity : what the checkpoint has to fit: configuration, parent, cases
    """

    def __init__(
        self,
        *,
        config: FinetuneConfig,
        model: SegmentationModel,
        parent: SegmentationModel | None,
        plan: BatchPlan,
        cache: FeatureCache | None,
        pixels: PixelScale,
        out: Path,
        fabric: Fabric,
        callbacks: Callbacks,
        identity: Mapping[str, Any],
    ) -> None:
        self._config, self._model, self._plan = config, model, plan
        self._cache, self._pixels, self._fabric, self._callbacks = cache, pixels, fabric, callbacks
        self._checkpoint, self._stopped = out / CHECKPOINT_FILE, out / STOPPED_FILE
        self._identity = identity
        self._micro_batch = min(config.micro_batch, config.batch_size)
        assert config.epochs is not None  # noqa: S101 - chosen by now
        self.total_steps = config.epochs * plan.batches_per_epoch
        learning = [p for p in model.parameters() if p.requires_grad]
        objective = FinetuneObjective(model, parent, distil_weight=config.distil_weight)
        self._objective, self._optimizer = fabric.setup(
            objective,
            torch.optim.AdamW(
                learning, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
            ),
        )
        self._learning = learning
        self._kept_step = -1  # the checkpoint's

    def is_complete(self) -> bool:
        """Whether the checkpoint is there and holds the last step; errors as of :meth:`run`."""
        if not self._checkpoint.exists():
            return False
        return read_progress(self._checkpoint, self._identity).step >= self.total_steps

    def run(self, *, resume: bool) -> None:
        """Train to the end.

        Raises
        ------
        Cancelled
            If it was asked to stop; the checkpoint is the last finished step.
        InputError
            If the run diverged again after the rate was halved three times.
        DeviceError
            If the device's memory is too small even for one image at once.
        CheckpointError
            If the checkpoint to resume from is damaged or of another run.
        """
        progress = self._begin(resume=resume)
        if progress.step == 0:
            self._callbacks.score(0, 0)
        while self._kept_step < self.total_steps:
            progress = self._run_until_divergence(progress)

    def _begin(self, *, resume: bool) -> Progress:
        """Where the run stands, the model made so; a new one's first state is its parent's."""
        if not (resume and self._checkpoint.exists()):
            progress = Progress(stage=STAGE)
            self._keep(progress)
            return progress
        path, progress = self._checkpoint, read_progress(self._checkpoint, self._identity)
        self._kept_step = progress.step
        if self._stopped.exists():
            stopped = read_progress(self._stopped, self._identity)
            # One from before a roll-back counts no more, however far it had come.
            if (stopped.halvings, stopped.step) > (progress.halvings, progress.step):
                path, progress = self._stopped, stopped
        self._restore(path)
        return progress

    def _run_until_divergence(self, progress: Progress) -> Progress:
        """Steps up to the end, or back to the checkpoint with half the rate."""
        began, first = time.perf_counter(), progress.step
        self._model.train()
        while True:
            loss = self._loss_ahead(progress)
            if loss is None:
                return self._roll_back(progress)
            if self._is_due(progress):
                if not self._is_finite():
                    return self._roll_back(progress)
                self._keep(progress)
            if progress.step >= self.total_steps:
                return progress
            self._set_rate(progress)
            with needs_memory("what the optimiser keeps of each parameter"):
                self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
            progress = self._after(progress, loss)
            seconds = (time.perf_counter() - began) / (progress.step - first)
            left = seconds * (self.total_steps - progress.step)
            self._callbacks.on_event(
                Stepped(step=progress.step, total=self.total_steps, loss=loss, seconds_left=left)
            )
            if progress.batch == 0:
                self._callbacks.score(progress.epoch, progress.step)
                self._model.train()

    def _loss_ahead(self, progress: Progress) -> float | None:
        """The next batch's loss, its gradients in place; None where it exploded.

        After the last step, too: nothing else would show that this one ruined the weights.
        """
        batch = self._plan.batch(progress.epoch, progress.batch)
        choices = [self._choose(sample, random) for sample, random in batch]
        loss = self._accumulate(choices, progress)
        norm = nn.utils.clip_grad_norm_(self._learning, self._config.max_grad_norm)
        is_sound = is_fine(loss, progress.recent) and bool(torch.isfinite(norm))
        return loss if is_sound else None

    def _is_due(self, progress: Progress) -> bool:
        """Whether this state is kept, now that the loss from it is known to be fine."""
        is_end_of_epoch = progress.batch == 0
        is_multiple = progress.step % self._config.checkpoint_every == 0
        return progress.step != self._kept_step and (is_end_of_epoch or is_multiple)

    def _is_finite(self) -> bool:
        return all(bool(torch.isfinite(parameter).all()) for parameter in self._learning)

    def _accumulate(self, batch: Sequence[Choice], progress: Progress) -> float:
        """Gradients of a whole batch, in pieces that fit; its mean loss."""
        while True:
            try:
                return sum(self._pieces(batch, progress))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if self._micro_batch == 1:
                    raise too_small_for("a single image at once") from error
            self._optimizer.zero_grad(set_to_none=True)
            self._micro_batch = max(1, self._micro_batch // 2)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._callbacks.on_event(
                Message(
                    sentence=f"Out of memory: going on with {self._micro_batch} images at once; "
                    f"a step still counts {self._config.batch_size}."
                )
            )

    def _pieces(self, batch: Sequence[Choice], progress: Progress) -> Iterator[float]:
        for start in range(0, len(batch), self._micro_batch):
            if self._callbacks.should_stop():
                self._optimizer.zero_grad(set_to_none=True)
                if progress.step != self._kept_step:
                    self._save(self._stopped, progress)
                raise Cancelled("Fine-tuning was stopped; it goes on from here when resumed.")
            piece = batch[start : start + self._micro_batch]
            share = len(piece) / len(batch)
            loss = self._objective(*self._tensors(piece)) * share
            self._fabric.backward(loss)
            yield float(loss.detach())

    def _choose(self, sample: Sample, random: Random) -> Choice:
        variant = VARIANTS[random.randrange(self._config.num_variants)]
        has_text = random.random() >= self._config.no_text
        return sample, variant, variant.of_text(sample.example.report) if has_text else ""

    def _tensors(
        self, piece: Sequence[Choice]
    ) -> tuple[Tensor, Tensor, tuple[str, ...], tuple[Tensor, ...] | None]:
        device = self._fabric.device
        images = torch.stack([v.of_image(_unit(s.example.image)) for s, v, _ in piece])
        masks = torch.stack([v.of_mask(self._planes(s)) for s, v, _ in piece])
        texts = tuple(text for _, _, text in piece)
        frozen = None
        if self._cache is not None:
            kept = self._cache.features([(sample, variant) for sample, variant, _ in piece])
            frozen = tuple(tap.to(device) for tap in kept)
        return self._pixels(images.to(device)), masks.to(device), texts, frozen

    def _planes(self, sample: Sample) -> Tensor:
        """One binary plane a class, (C, S, S)."""
        return to_planes(sample.example.labels, self._model.decoder.num_classes)

    def _set_rate(self, progress: Progress) -> None:
        config = self._config
        warmup = max(1, min(20, self.total_steps // 10))
        warm, cosine = rate_scale(progress.step + 1, [self.total_steps], warmup_steps=warmup)
        top = config.learning_rate * 0.5**progress.halvings
        for group in self._optimizer.param_groups:
            group["lr"] = warm * (config.final_rate + (top - config.final_rate) * cosine)

    def _after(self, progress: Progress, loss: float) -> Progress:
        is_last = progress.batch + 1 == self._plan.batches_per_epoch
        return replace(
            progress,
            epoch=progress.epoch + is_last,
            batch=0 if is_last else progress.batch + 1,
            step=progress.step + 1,
            recent=with_latest(loss, progress.recent),
        )

    def _roll_back(self, progress: Progress) -> Progress:
        halvings = progress.halvings + 1
        if halvings > MAX_ROLLBACKS:
            raise InputError(
                f"Training diverged again after the learning rate was halved {MAX_ROLLBACKS} "
                "times, so it was stopped and nothing was changed. Start again with a rate a "
                "tenth as large, and look at the corrections: one of them may be wrong."
            )
        self._optimizer.zero_grad(set_to_none=True)
        back = replace(read_progress(self._checkpoint, self._identity), halvings=halvings)
        self._restore(self._checkpoint)
        self._keep(back)
        self._callbacks.on_event(
            Message(
                sentence=f"The loss exploded at step {progress.step + 1}: back to step "
                f"{back.step}, going on with half the learning rate."
            )
        )
        return back

    def _keep(self, progress: Progress) -> None:
        """Write the state that a roll-back goes back to."""
        self._save(self._checkpoint, progress)
        self._kept_step = progress.step

    def _save(self, path: Path, progress: Progress) -> None:
        save_checkpoint(
            path,
            model=self._model,
            optimizer=self._optimizer,
            progress=progress,
            config=self._identity,
        )

    def _restore(self, path: Path) -> None:
        restore_checkpoint(path, model=self._model, optimizer=self._optimizer)


def _unit(plane: Any) -> Tensor:
    """(S, S) of 8 bits or booleans to (1, S, S) float32, 255 becoming 1."""
    return torch.from_numpy(plane)[None].float() / 255
