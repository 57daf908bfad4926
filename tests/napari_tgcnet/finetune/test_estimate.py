"""What a run would work with, and what it lacks."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.estimate import NUM_VIEWS, estimate, feature_bytes
from napari_tgcnet.finetune.state import Options
from tgcnet.config import TgcNetConfig
from tgcnet.weights.manifest import read_manifest
from tgcnet.weights.registry import find_model


@pytest.fixture
def ledger(own_folders: Path, add_case) -> Path:
    return own_folders / "ledger"


def estimated(ledger: Path, **changes: Any):
    request = {"reference": None, "model": "mini", "options": Options(), **changes}
    return estimate(ledger=ledger, **request)


def reference_folder(folder: Path, num_images: int) -> Path:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(folder / "images" / "a.png")
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(folder / "masks" / "a.png")
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", "report", "subject"])
        writer.writerows(["a.png", "a.png", "x", f"s{number}"] for number in range(num_images))
    return folder


def test_what_would_be_learnt_and_kept_aside(ledger: Path, add_case) -> None:
    add_case(0)
    add_case(1)
    add_case(2, reviewed=(0, 1, 2))
    found = estimated(ledger)
    assert (found.num_slices, found.num_patients) == (5, 2)
    assert (found.num_held_out, found.num_held_out_patients) == (2, 1)
    assert found.missing == ""
    config = read_manifest(find_model("mini"))
    one = feature_bytes(config.model, side_px=config.preprocess.side_px, has_adapters=False)
    assert found.feature_bytes == one * NUM_VIEWS * 5


def test_a_reference_set_is_replayed_in_part(ledger: Path, add_case, tmp_path: Path) -> None:
    add_case(0)
    add_case(1)
    without = estimated(ledger)
    found = estimated(ledger, reference=reference_folder(tmp_path / "reference", 300))
    assert found.num_replayed + found.num_measured == 300
    assert found.num_measured >= 100
    per_slice = without.feature_bytes / without.num_slices
    assert found.feature_bytes == per_slice * (found.num_slices + found.num_replayed)


def test_towers_that_learn_keep_no_features(ledger: Path, add_case) -> None:
    add_case(0)
    assert estimated(ledger, options=Options(learns="all")).feature_bytes == 0


@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        ({}, messages.NO_REVIEWED_SLICE),
        ({0: (), 1: ()}, messages.NO_REVIEWED_SLICE),
        ({0: (1,)}, messages.ONE_PATIENT),
        ({0: (), 1: (1,)}, messages.ONE_PATIENT),
        ({0: (1,), 1: (), 2: (1,)}, messages.NONE_HELD_OUT),
    ],
)
def test_what_is_missing(ledger: Path, add_case, cases, sentence: str) -> None:
    for patient, reviewed in cases.items():
        add_case(patient, reviewed=reviewed)
    assert estimated(ledger).missing == sentence


def test_no_ledger(own_folders: Path) -> None:
    assert estimated(own_folders / "nowhere").missing == messages.NO_LEDGER


def test_a_damaged_ledger_says_so(ledger: Path) -> None:
    (ledger / "ledger.json").write_text("{", encoding="utf-8")
    assert "damaged" in estimated(ledger).missing


def test_a_damaged_case_is_counted_and_left_out(ledger: Path, add_case) -> None:
    add_case(0)
    add_case(1)
    broken = add_case(2)
    (ledger / "cases" / broken / "case.json").write_text("{", encoding="utf-8")
    found = estimated(ledger)
    assert (found.num_damaged, found.num_patients, found.missing) == (1, 1, "")


def test_a_reference_set_that_is_none_or_too_small(ledger: Path, add_case, tmp_path: Path) -> None:
    add_case(0)
    add_case(1)
    (tmp_path / "empty").mkdir()
    assert "captions.csv" in estimated(ledger, reference=tmp_path / "empty").missing
    small = reference_folder(tmp_path / "small", 99)
    assert estimated(ledger, reference=small).missing == messages.reference_too_small(99, 100)


def test_a_model_that_is_gone(ledger: Path, add_case) -> None:
    add_case(0)
    add_case(1)
    assert estimated(ledger, model="gone").missing == messages.model_gone("gone")


def test_a_tmca_keeps_no_features_and_has_no_adapters(
    ledger: Path, add_case, tiny_tmca_folder: Path, own_folders: Path
) -> None:
    add_case(0)
    add_case(1)
    shutil.copytree(tiny_tmca_folder, own_folders / "models" / "tiny-tmca")
    found = estimated(ledger, model="tiny-tmca")
    assert (found.feature_bytes, found.missing) == (0, "")
    adapted = estimated(ledger, model="tiny-tmca", options=Options(learns="adapters"))
    assert adapted.missing == messages.no_adapters("tiny-tmca")


@pytest.mark.parametrize("name", ["tiny", "mini"])
@pytest.mark.parametrize("adapter_width", [0, 8])
def test_features_take_what_the_trainer_says(
    tiny_model_folder: Path, name: str, adapter_width: int
) -> None:
    from tgcnet.models import build_model
    from tgcnet.train.frozen_features import feature_bytes as measured

    manifest = read_manifest(tiny_model_folder if name == "tiny" else find_model(name))
    assert isinstance(manifest.model, TgcNetConfig)
    sse = replace(manifest.model.sse, adapter_width=adapter_width)
    config = replace(manifest.model, sse=sse)
    side_px = manifest.preprocess.side_px
    estimated = feature_bytes(config, side_px=side_px, has_adapters=bool(adapter_width))
    assert estimated == measured(build_model(config), side_px=side_px)


def test_the_trainers_numbers_are_these() -> None:
    from tgcnet.finetune.config import FinetuneConfig, Learns
    from tgcnet.train.data.fixed_views import VARIANTS

    assert len(VARIANTS[: FinetuneConfig().num_variants]) == NUM_VIEWS
    assert FinetuneConfig().cache_limit_bytes == Options().cache_limit_gib * 2**30
    assert FinetuneConfig().learns == Options().learns
    assert [value for _, value in messages.LEARNS_CHOICES] == [str(one) for one in Learns]
