"""The training of a run: its parts put together, its features kept, its epochs scored."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from tgcnet.data.row_decoding import Example
from tgcnet.finetune.candidate import (
    adapter_width,
    choose_what_learns,
    config_with_adapters,
    copy_of,
)
from tgcnet.finetune.config import FinetuneConfig, Learns
from tgcnet.finetune.events import Begun, Event, Message, Prepared, Scored
from tgcnet.finetune.finetuner import Callbacks, Finetuner
from tgcnet.finetune.prepare_folder import FEATURES_FOLDER, is_asked_to_stop
from tgcnet.finetune.safeguards import needs_memory, too_small_for
from tgcnet.finetune.samples import BatchPlan, Sample, SampleSets
from tgcnet.inference.volume_runner import is_out_of_memory
from tgcnet.metrics import MetricAccumulator
from tgcnet.train.data.fixed_views import VARIANTS, Variant
from tgcnet.train.frozen_features import FeatureCache, feature_bytes
from tgcnet.train.network_inputs import PixelScale, TextEncoder
from tgcnet.weights.load import LoadedModel

_SCORE_BATCH = 16


class Training:
    """One run's training.

    Attributes
    ----------
    model : learns; begins as a copy of the parent
    model_config : its architecture; adapters may have come to the parent's
    """

    def __init__(
        self,
        out: Path,
        config: FinetuneConfig,
        parent: LoadedModel,
        sets: SampleSets,
        device: torch.device,
        on_event: Callable[[Event], None],
    ) -> None:
        self._out, self._config, self._sets, self._on_event = out, config, sets, on_event
        self._parent, self._device = parent, device
        self._score_batch = _SCORE_BATCH
        self.model_config = config_with_adapters(parent.manifest.model, config)
        self.model = copy_of(parent, self.model_config)
        self.model.to(device).to(memory_format=torch.channels_last)
        choose_what_learns(self.model, config.learns)
        self._pixels = PixelScale(parent.manifest.preprocess).to(device)

    def run(self, identity: Mapping[str, Any], *, resume: bool) -> None:
        """Train to the end; errors as of :meth:`Finetuner.run`.

        Parameters
        ----------
        identity : what a checkpoint has to fit: configuration, parent, cases
        """
        config, sets = self._config, self._sets
        plan = BatchPlan(
            sets, batch_size=config.batch_size, replay_share=config.replay_share, seed=config.seed
        )
        callbacks = Callbacks(
            on_event=self._on_event, should_stop=self._should_stop, score=self._score
        )
        cache, cache_bytes = self._cache()
        trainer = Finetuner(
            config=config,
            model=self.model,
            parent=None if sets.reference and plan.num_replayed else self._parent.model,
            plan=plan,
            cache=cache,
            pixels=self._pixels,
            out=self._out,
            fabric=_fabric_on(self._device),
            callbacks=callbacks,
            identity=identity,
        )
        self._report_begin(trainer.total_steps, cache_bytes)
        if cache is not None and not (resume and trainer.is_complete()):
            self._fill(cache)
        trainer.run(resume=resume)

    def _report_begin(self, total_steps: int, cache_bytes: int) -> None:
        sets = self._sets
        self._on_event(
            Begun(
                parent=self._parent.manifest.name,
                num_new=len(sets.new),
                num_earlier=len(sets.earlier),
                num_reference=len(sets.reference),
                num_measured=len(sets.measured),
                num_held_out=len(sets.held_out),
                total_steps=total_steps,
                cache_bytes=cache_bytes,
                device=str(self._device),
                process_id=os.getpid(),
            )
        )
        if not sets.measured:
            self._on_event(Message(sentence=_NO_REFERENCE))
        elif not sets.reference:
            self._on_event(Message(sentence=_NOTHING_TO_REPLAY.format(len(sets.measured))))

    def _cache(self) -> tuple[FeatureCache | None, int]:
        """The kept features and their size; none where they would change or take too much."""
        if self._config.learns is Learns.ALL:
            return None, 0
        side_px = self._parent.manifest.preprocess.side_px
        size = feature_bytes(self.model, side_px=side_px) * len(self._views())
        if not size:
            return None, 0
        if size > self._config.cache_limit_bytes:
            self._on_event(
                Message(
                    sentence=f"Features would take {size / 2**30:.1f} GiB of disk, more than the "
                    f"{self._config.cache_limit_bytes / 2**30:.1f} GiB allowed; they are computed "
                    "anew each time, which is slower."
                )
            )
            return None, 0
        # Adapters that learn change what follows them, never what is kept before them.
        key = f"{self._parent.manifest.sha256[:16]}-{adapter_width(self.model_config)}"
        folder = self._out / FEATURES_FOLDER
        return FeatureCache(folder, self.model, self._pixels, weights_key=key), size

    def _views(self) -> list[tuple[Sample, Variant]]:
        trained = self._sets.new + self._sets.replay
        return [(s, v) for s in trained for v in VARIANTS[: self._config.num_variants]]

    def _fill(self, cache: FeatureCache) -> None:
        views = self._views()
        with needs_memory("the features of a single image"):
            for done, _ in enumerate(cache.fill(views), start=1):
                if done % 50 == 0 or done == len(views):
                    self._on_event(Prepared(done=done, total=len(views)))
                if self._should_stop():
                    break  # the loop looks at it too, and says so

    def _should_stop(self) -> bool:
        return is_asked_to_stop(self._out)

    @torch.inference_mode()
    def _score(self, epoch: int, step: int) -> None:
        """Dice on the held-out corrections, on the network's grid; nothing is chosen by it."""
        self.model.eval()
        encode, scores = TextEncoder(self.model), MetricAccumulator()
        examples = [sample.example for sample in self._sets.held_out]
        done = 0
        while done < len(examples):
            part = examples[done : done + self._score_batch]
            try:
                masks = self._masks(part, encode)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if len(part) == 1:
                    raise too_small_for("a single image at once") from error
                self._score_batch = len(part) // 2
                continue
            for mask, example in zip(masks, part, strict=True):
                scores.add(mask, example.mask)
            done += len(part)
        result = scores.result()
        self._on_event(
            Scored(
                epoch=epoch,
                step=step,
                dice_pooled=result.dice_pooled,
                dice_mean=result.dice_mean,
            )
        )

    def _masks(self, examples: Sequence[Example], encode: TextEncoder) -> np.ndarray:
        """What the model draws, (B, S, S) bool."""
        images = torch.stack([torch.from_numpy(e.image)[None].float() / 255 for e in examples])
        text = encode(tuple(example.report for example in examples))
        logits = self.model(self._pixels(images.to(self._device)), text).logits
        masks: np.ndarray = (logits > 0).any(1).cpu().numpy()
        return masks


def _fabric_on(device: torch.device) -> Fabric:
    if device.type == "cuda":
        return Fabric(accelerator="cuda", devices=[device.index or 0])
    return Fabric(accelerator="cpu", devices=1)


_NO_REFERENCE = (
    "No reference set: the parent's own masks are held on to instead, and forgetting is not "
    "measured."
)
_NOTHING_TO_REPLAY = (
    "All {} reference images are kept to measure forgetting and none is left to replay, so the "
    "parent's own masks are held on to instead; add images to replay some."
)
