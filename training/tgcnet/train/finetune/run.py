"""From a ledger and a parent to a candidate: what is read, trained, scored and written."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from tgcnet.config import to_json
from tgcnet.corrections import Ledger, Problem
from tgcnet.corrections.revision import now_utc
from tgcnet.errors import InputError, OutputError
from tgcnet.inference.device import resolve_device
from tgcnet.metrics import MetricAccumulator
from tgcnet.runs.events import STOP_FILE, Begun, Done, Event, Prepared, Scored, Told
from tgcnet.train.finetune.candidate import config_with_adapters, copy_of, export_candidate
from tgcnet.train.finetune.cases import (
    Snapshot,
    read_cases,
    read_snapshot,
    sort_samples,
    write_snapshot,
)
from tgcnet.train.finetune.config import FinetuneConfig, Learns, default_epochs
from tgcnet.train.finetune.features import FeatureCache, feature_bytes
from tgcnet.train.finetune.loop import CHECKPOINT_FILE, Finetuner, Watcher, choose_what_learns
from tgcnet.train.finetune.samples import (
    BatchPlan,
    Sample,
    SampleSets,
    check_enough,
    load_reference,
)
from tgcnet.train.finetune.variants import VARIANTS
from tgcnet.train.pixels import PixelScale
from tgcnet.train.texts import TextEncoder
from tgcnet.weights.load import LoadedModel, load_model

FEATURES_FOLDER = "features"
_SCORE_BATCH = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneJob:
    """Where a run reads and writes.

    Attributes
    ----------
    out : the run's folder; made if absent
    reference : a three-column folder of at least 100 images; None where there is none
    """

    ledger: Path
    out: Path
    model: str | None = None
    reference: Path | None = None
    device: str = "auto"


def finetune(
    job: FinetuneJob, config: FinetuneConfig, *, tell: Callable[[Event], None], resume: bool
) -> Path:
    """Fine-tune a model on a ledger's corrections; the candidate's folder is returned.

    Parameters
    ----------
    tell : receives every event; a line in the run's file, a word on a terminal
    resume : go on from the checkpoint in ``job.out`` where there is one

    Raises
    ------
    InputError
        If there is too little to train on, ``job.out`` holds a run and ``resume`` is false, or
        training diverges and lower rates do not help.
    Cancelled
        If a file called ``stop`` appeared in the run's folder; it can be resumed.
    LedgerError, CheckpointError, OutputError
        If the ledger, the parent or the run's folder cannot be used.
    """
    is_resumed = prepare_folder(job.out, resume=resume)
    device = resolve_device(job.device)
    parent = load_model(job.model, str(device))
    ledger = Ledger.open(job.ledger)
    sets, snapshot = _read(ledger, job, parent, is_resumed=is_resumed, tell=tell)
    check_enough(sets)
    if config.epochs is None:
        config = replace(config, epochs=default_epochs(len(sets.new or sets.earlier)))
    # An unfinished run keeps the configuration it began with.
    identity = {
        "config": to_json(config),
        "parent": parent.manifest.sha256,
        "snapshot": snapshot.identifier,
        "reference": sorted(sample.digest for sample in sets.reference),
    }
    torch.manual_seed(config.seed)
    run = _Run(job, config, parent, sets, device, tell)
    run.train(identity, resume=is_resumed)
    folder = export_candidate(run.model, parent, snapshot, job.out, run.model_config)
    tell(Done(model=folder.name))
    return folder


class _Run:
    """One run's parts, put together."""

    def __init__(
        self,
        job: FinetuneJob,
        config: FinetuneConfig,
        parent: LoadedModel,
        sets: SampleSets,
        device: torch.device,
        tell: Callable[[Event], None],
    ) -> None:
        self._job, self._config, self._sets, self._tell = job, config, sets, tell
        self._parent, self._device = parent, device
        self.model_config = config_with_adapters(parent.manifest.model, config)
        self.model = copy_of(parent, self.model_config)
        self.model.to(device).to(memory_format=torch.channels_last)
        choose_what_learns(self.model, config.learns)
        self._pixels = PixelScale(parent.manifest.preprocess).to(device)

    def train(self, identity: Mapping[str, Any], *, resume: bool) -> None:
        config, sets = self._config, self._sets
        plan = BatchPlan(
            sets, batch_size=config.batch_size, replay_share=config.replay_share, seed=config.seed
        )
        watcher = Watcher(tell=self._tell, should_stop=self._should_stop, score=self._score)
        cache, cache_bytes = self._cache()
        trainer = Finetuner(
            config=config,
            model=self.model,
            parent=None if sets.reference else self._parent.model,
            plan=plan,
            cache=cache,
            pixels=self._pixels,
            out=self._job.out,
            fabric=_fabric_on(self._device),
            watcher=watcher,
            identity=identity,
        )
        self._tell(
            Begun(
                parent=self._parent.manifest.name,
                num_new=len(sets.new),
                num_earlier=len(sets.earlier),
                num_reference=len(sets.reference),
                num_held_out=len(sets.held_out),
                total_steps=trainer.total_steps,
                cache_bytes=cache_bytes,
                device=str(self._device),
                process_id=os.getpid(),
            )
        )
        if not sets.reference:
            self._tell(Told(sentence=_NO_REFERENCE))
        if cache is not None:
            self._fill(cache)
        trainer.run(resume=resume)

    def _cache(self) -> tuple[FeatureCache | None, int]:
        """The kept features and their size; none where they would change or take too much."""
        if self._config.learns is Learns.ALL:
            return None, 0
        side_px = self._parent.manifest.preprocess.side_px
        size = feature_bytes(self.model, side_px=side_px) * len(self._views())
        if size > self._config.cache_limit_bytes:
            self._tell(
                Told(
                    sentence=f"Features would take {size / 2**30:.1f} GiB of disk, more than the "
                    f"{self._config.cache_limit_bytes / 2**30:.1f} GiB allowed; they are computed "
                    "anew each time, which is slower."
                )
            )
            return None, size
        # Adapters that learn change what follows them, never what is kept before them.
        key = f"{self._parent.manifest.sha256[:16]}-{self.model_config.sse.adapter_width}"
        folder = self._job.out / FEATURES_FOLDER
        return FeatureCache(folder, self.model, self._pixels, weights_key=key), size

    def _views(self) -> list[tuple[Sample, Any]]:
        trained = self._sets.new + self._sets.replay
        return [(s, v) for s in trained for v in VARIANTS[: self._config.num_variants]]

    def _fill(self, cache: FeatureCache) -> None:
        views = self._views()
        for done, _ in enumerate(cache.fill(views), start=1):
            if done % 50 == 0 or done == len(views):
                self._tell(Prepared(done=done, total=len(views)))
            if self._should_stop():
                break  # the loop looks at it too, and says so

    def _should_stop(self) -> bool:
        return (self._job.out / STOP_FILE).exists()

    @torch.inference_mode()
    def _score(self, epoch: int, step: int) -> None:
        """Dice on the held-out corrections, on the network's grid; nothing is chosen by it."""
        self.model.eval()
        encode, scores = TextEncoder(self.model), MetricAccumulator()
        held_out = self._sets.held_out
        for start in range(0, len(held_out), _SCORE_BATCH):
            part = [sample.example for sample in held_out[start : start + _SCORE_BATCH]]
            images = torch.stack([torch.from_numpy(e.image)[None].float() / 255 for e in part])
            text = encode(tuple(e.report for e in part))
            logits = self.model(self._pixels(images.to(self._device)), text).logits
            for mask, example in zip((logits > 0).any(1).cpu().numpy(), part, strict=True):
                scores.add(mask, example.mask)
        result = scores.result()
        self._tell(
            Scored(
                epoch=epoch,
                step=step,
                dice_pooled=result.dice_pooled,
                dice_mean=result.dice_mean,
            )
        )


def _fabric_on(device: torch.device) -> Fabric:
    if device.type == "cuda":
        return Fabric(accelerator="cuda", devices=[device.index or 0])
    return Fabric(accelerator="cpu", devices=1)


_NO_REFERENCE = (
    "No reference set: the parent's own masks are held on to instead, and forgetting is not "
    "measured."
)


def prepare_folder(out: Path, *, resume: bool) -> bool:
    """Make a run's folder; whether an unfinished run in it is gone on with.

    Raises
    ------
    InputError
        If it holds a run and ``resume`` is false.
    OutputError
        If it cannot be made or written.
    """
    is_there = (out / CHECKPOINT_FILE).exists()
    if is_there and not resume:
        raise InputError(
            f"{out.name} holds a run already; go on with --resume or name another folder"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / STOP_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"the run's folder {out.name!r} cannot be used ({error.strerror or 'refused'}); name "
            "one that can be written"
        ) from None
    return is_there


def _read(
    ledger: Ledger,
    job: FinetuneJob,
    parent: LoadedModel,
    *,
    is_resumed: bool,
    tell: Callable[[Event], None],
) -> tuple[SampleSets, Snapshot]:
    preprocess, lineage = parent.manifest.preprocess, parent.manifest.lineage
    snapshot = read_snapshot(job.out) if is_resumed else None
    known_until = "" if lineage is None else lineage.ledger_snapshot.partition(" ")[0]

    def tell_problem(problem: Problem) -> None:
        tell(Told(sentence=f"Case {problem.case_id} is left out: {problem.sentence}"))

    taken = now_utc()
    cases = read_cases(ledger, snapshot, tell_problem)
    sets, revisions = sort_samples(cases, preprocess, known_until_utc=known_until)
    if job.reference is not None:
        sets = replace(sets, reference=load_reference(job.reference, preprocess))
    if snapshot is None:
        snapshot = Snapshot(revisions=tuple(revisions), taken_utc=taken)
        write_snapshot(job.out, snapshot)
    return sets, snapshot
