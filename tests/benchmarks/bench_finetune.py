"""An epoch of fine-tuning ``mini``: what keeping the features of the frozen tower saves.

32 slices of the phantom at 224 pixels, batches of 16, two threads, checkpoints included. Without a
reference set each step runs the parent too, to hold on to its masks; both are timed.
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from pytest_benchmark.fixture import BenchmarkFixture

from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import SegmentationClass
from tgcnet.finetune.candidate import choose_what_learns, config_with_adapters, copy_of
from tgcnet.finetune.config import FinetuneConfig, Learns
from tgcnet.finetune.finetuner import Callbacks, Finetuner
from tgcnet.finetune.samples import BatchPlan, Sample, SampleSets, samples_of_case
from tgcnet.inference.predictor import Predictor
from tgcnet.samples.phantom import PHANTOM_REPORT, phantom_stack
from tgcnet.train.data.fixed_views import VARIANTS
from tgcnet.train.frozen_features import FeatureCache, feature_bytes
from tgcnet.train.network_inputs import PixelScale
from tgcnet.weights.load import LoadedModel

SLICES = range(4, 36)


@pytest.fixture
def samples(mini: Predictor, tmp_path: Path) -> tuple[Sample, ...]:
    """As a run reads them from a ledger; what is taken for a lesion does not matter here."""
    volume = phantom_stack()
    correction = Correction(
        volume=volume,
        labels=(volume.array > -700).astype(np.uint8),
        classes=(SegmentationClass(name="infection", colour=(230, 60, 60)),),
        reviewed_slices=tuple(SLICES),
        report=PHANTOM_REPORT,
    )
    ledger = Ledger.create(tmp_path / "ledger")
    case = ledger.load(ledger.save(correction).case_id)
    return tuple(samples_of_case(case, mini.manifest.preprocess, mini.manifest.classes))


def trainer(
    parent: LoadedModel,
    samples: tuple[Sample, ...],
    config: FinetuneConfig,
    out: Path,
    features: Path | None,
    *,
    is_distilled: bool,
) -> Finetuner:
    """A run of one epoch in a new folder; its features, where they are kept, are there already."""
    model = copy_of(parent, config_with_adapters(parent.manifest.model, config))
    model.to(memory_format=torch.channels_last)
    choose_what_learns(model, config.learns)
    pixels, cache = PixelScale(parent.manifest.preprocess), None
    if features is not None:
        cache = FeatureCache(features, model, pixels, weights_key=str(config.learns))
        views = [(s, v) for s in samples for v in VARIANTS[: config.num_variants]]
        assert sum(1 for _ in cache.fill(views)) == len(views)
    out.mkdir()
    return Finetuner(
        config=config,
        model=model,
        parent=parent.model if is_distilled else None,
        plan=BatchPlan(
            SampleSets(new=samples), batch_size=config.batch_size, replay_share=0.0, seed=0
        ),
        cache=cache,
        pixels=pixels,
        out=out,
        fabric=Fabric(accelerator="cpu", devices=1),
        callbacks=Callbacks(
            on_event=lambda event: None, should_stop=lambda: False, score=lambda epoch, step: None
        ),
        identity={},
    )


@pytest.mark.benchmark(group="an epoch of fine-tuning mini, 32 slices at 224, two threads")
@pytest.mark.parametrize("is_distilled", [False, True], ids=["reference", "distilled"])
@pytest.mark.parametrize("is_kept", [True, False], ids=["features-kept", "anew"])
@pytest.mark.parametrize("learns", [Learns.STANDARD, Learns.ADAPTERS], ids=str)
def test_epoch(
    benchmark: BenchmarkFixture,
    note: Callable[..., None],
    mini: Predictor,
    samples: tuple[Sample, ...],
    tmp_path: Path,
    learns: Learns,
    is_kept: bool,
    is_distilled: bool,
) -> None:
    config = FinetuneConfig(epochs=1, learns=learns)
    features, number = tmp_path / "features" if is_kept else None, count()

    def begin() -> tuple[tuple[Finetuner], dict[str, object]]:
        out = tmp_path / f"run {next(number)}"
        run = trainer(mini.loaded, samples, config, out, features, is_distilled=is_distilled)
        return (run,), {}

    benchmark.pedantic(lambda run: run.run(resume=False), setup=begin, rounds=3, warmup_rounds=1)
    size = feature_bytes(
        copy_of(mini.loaded, config_with_adapters(mini.manifest.model, config)),
        side_px=mini.manifest.preprocess.side_px,
    )
    note(features_mib_an_image=size * config.num_variants / 2**20)
