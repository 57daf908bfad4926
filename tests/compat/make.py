"""How the fixtures were made: by the code of commit 82419c8, before the refactoring of issue 12.

They are what an earlier version wrote, so they are never made again: the tests hold names and
hashes of this very run. The imports follow the code as it moves, so that it stays readable.

    PYTHONPATH=src:training:. python tests/compat/make.py FOLDER

Weights and optimiser states are of real runs, but each tensor repeats its first numbers, so that
its file compresses to a few kilobytes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import safetensors
import safetensors.torch
import torch
from napari_tgcnet.finetune.process import RunProcesses
from PIL import Image
from tests.compat import messages, phantoms
from tests.compat.recipe import TGCNET, TMCA, write_training_data
from tests.compat.unpack import FILES, pack, set_times
from tests.tgcnet.io.dicom.phantoms import write_series
from torch import Tensor, nn

from napari_tgcnet.finetune.ports import RunOrder
from napari_tgcnet.finetune.state import Options
from tgcnet.cli import main as tgcnet
from tgcnet.cohort.journal import Journal
from tgcnet.config import (
    ImageTowerConfig,
    ModelConfig,
    PostprocessConfig,
    PreprocessConfig,
    TextTowerConfig,
    TowerConfig,
)
from tgcnet.corrections import Ledger
from tgcnet.data.classes import write_classes
from tgcnet.domain import DicomSource
from tgcnet.engine.wire import encode
from tgcnet.finetune.events import Event, EventLog, Stepped
from tgcnet.finetune.run_folder import ask_to_stop
from tgcnet.gate.case_scores import CaseScore, PairedScores, write_scores
from tgcnet.gate.report_json import write_report
from tgcnet.io import load_volume, save_labels
from tgcnet.io.report_key import report_provenance
from tgcnet.models import build_model
from tgcnet.models.build_towers import build_clip
from tgcnet.train.checkpoint import Checkpoints
from tgcnet.weights.import_pretrained import import_pretrained
from tgcnet.weights.load import save_model
from tgcnet.weights.manifest import Manifest

Network = TypeVar("Network", bound=nn.Module)

PERIOD = 7
"""So many numbers of a tensor are its own."""

MINI_OF_SCHEMA_1 = "6436f59:training/tgcnet/weights/mini/manifest.json"
RECIPE = Path(__file__).with_name("recipe.py")
CLIP = TowerConfig(
    embed_dim=16,
    image=ImageTowerConfig(width=64, layers=4, heads=1, patch_px=16, side_px=32, quick_gelu=True),
    text=TextTowerConfig(width=64, layers=1, heads=1, quick_gelu=True),
)


def main(work: Path) -> None:
    """Make all of them in an empty folder, then pack them beside this file."""
    torch.set_num_threads(1)
    for name in ("models", "keys", "pretrained"):
        os.environ[f"TGCNET_{name.upper()}"] = str(work / name)
    for make in (
        make_messages,
        make_files,
        make_ledger,
        make_models,
        make_pretrained,
        make_training,
        make_finetuning,
        make_cohort,
    ):
        make(work)
    shutil.rmtree(FILES, ignore_errors=True)
    for path in sorted(work.iterdir()):
        pack(path, path.name)


def make_messages(work: Path) -> None:
    """Lines of the engine and of a run, and other small files of text."""
    folder = work / "text"
    folder.mkdir()
    (folder / "requests.jsonl").write_bytes(b"".join(encode(m) for m in messages.REQUESTS))
    (folder / "answers.jsonl").write_bytes(b"".join(encode(m) for m in messages.ANSWERS))
    log = EventLog(folder)
    for event in messages.EVENTS:
        log(event)
    write_report(phantoms.REPORT, folder / "report.json")
    write_scores(folder / "scores.json", scores(), None)
    write_classes((phantoms.INFECTION, phantoms.EFFUSION), folder)


def scores() -> PairedScores:
    """Two cases under two models."""
    score = CaseScore(
        case="00/3", group="patient", text="given", dice=2 / 3, intersection_px=10, sum_px=30
    )
    active = (score, replace(score, case="01/0", group="", text="none"))
    return PairedScores(
        active=active, candidate=tuple(replace(s, dice=1.0, intersection_px=15) for s in active)
    )


def make_files(work: Path) -> None:
    """Masks in every format, the images they belong to, and the key of reports' hashes."""
    folder = work / "io"
    folder.mkdir()
    provenance = phantoms.PROVENANCE | report_provenance(phantoms.REPORT_2D)
    ct = load_volume(phantoms.write_ct(folder / "ct.nii.gz"))
    stack = phantoms.labels_for_files(4)
    save_labels(stack, ct.geometry, folder / "mask.nii.gz", provenance=provenance)
    for ending in ("tif", "nii"):
        save_labels(
            stack, phantoms.oblique(), folder / f"oblique.{ending}", provenance=provenance,
            is_edited=True,
        )  # fmt: skip
    flat = phantoms.labels_for_files(1)
    save_labels(flat, phantoms.radiograph().geometry, folder / "mask.png", provenance=provenance)
    slices = write_series(folder / "series", shape=(4, 6, 7))
    save_labels(
        stack,
        phantoms.oblique(),
        folder / "mask.dcm",
        source=DicomSource(files=tuple(slices), frames=(0,) * 4),
        classes=(phantoms.INFECTION, phantoms.EFFUSION),
        provenance=provenance,
        is_edited=True,
    )


def make_ledger(work: Path) -> None:
    """A radiograph, a stack with two revisions whose patient is held out, a case in the bin."""
    ledger = Ledger.create(work / "ledger")
    ledger.save(phantoms.of_radiograph())
    stack = replace(load_volume(work / "io" / "ct.nii.gz"), patient_id=phantoms.PATIENT_STACK)
    for revision in (1, 2):
        ledger.save(phantoms.of_stack(stack, revision=revision))
    other = replace(phantoms.radiograph(), patient_id=phantoms.PATIENT_BINNED)
    binned = ledger.save(replace(phantoms.of_radiograph(), volume=other), as_new=True)
    ledger.delete(binned.case_id)


def make_models(work: Path) -> None:
    """A TGC-Net and a TMCA, and the former as schema 1 described it; the TMCA is active."""
    configs: tuple[ModelConfig, ...] = (TGCNET, TMCA)
    for seed, config in enumerate(configs):
        torch.manual_seed(seed)
        manifest = Manifest(
            name=config.name,
            model=config,
            preprocess=PreprocessConfig(side_px=64),
            postprocess=PostprocessConfig(threshold=0.4),
            classes=(replace(phantoms.INFECTION, code=""),),
            findings=("pulmonary infection",),
            licence="none: phantoms",
            training_data=("nothing",),
            measured={"val, report given": {"dice_pooled": 0.25}},
            notes="½",
            provenance={"seed": str(seed)},
        )
        save_model(shortened(build_model(config)), manifest, work / "models" / config.name)
    shutil.copytree(work / "models" / TGCNET.name, work / "models" / "compat-v1")
    as_schema_1(work / "models" / "compat-v1" / "manifest.json")
    first = work / "mini-v1" / "manifest.json"
    first.parent.mkdir()
    first.write_bytes(subprocess.check_output(["git", "show", MINI_OF_SCHEMA_1]))
    assert tgcnet(["models", "activate", TMCA.name]) == 0


def as_schema_1(path: Path) -> None:
    """As the mini was described up to commit 6436f59: both towers' numbers in one list."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    towers = values["model"]["towers"]
    image, text = towers["image"], towers["text"]
    values["model"]["towers"] = {
        "embed_dim": towers["embed_dim"],
        **{f"image_{name}": image[name] for name in ("width", "layers", "heads")},
        "patch_px": image["patch_px"],
        "side_px": image["side_px"],
        **{f"text_{name}": text[name] for name in ("width", "layers", "heads")},
        "words": text["words"],
        "context_length": text["context_length"],
        "max_sentences": text["max_sentences"],
        "quick_gelu": image["quick_gelu"],
    }
    del values["provenance"]  # which is younger
    values |= {"schema_version": 1, "name": "compat-v1"}
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make_pretrained(work: Path) -> None:
    """A pair of towers, imported."""
    torch.manual_seed(2)
    given = work.with_name("given.safetensors")
    safetensors.torch.save_file(shortened(build_clip(CLIP)).state_dict(), given)
    import_pretrained(given, name="clip", quick_gelu=True, licence="none")


def make_training(work: Path) -> None:
    """A run of each recipe, stopped in its last stage as it were; of the first, in each stage."""
    data = write_training_data(work.with_name("data"))
    with patch.object(Checkpoints, "drop_old"):
        train(str(RECIPE), data, work / "training")
        train(f"{RECIPE}:tmca", data, work / "training-tmca")
    shutil.rmtree(work / "training-tmca" / "cache")  # the same pixels


def train(recipe: str, data: Path, out: Path) -> None:
    """A finished run without its model and its last checkpoints."""
    command = ["train", recipe, "--data", str(data), "--out", str(out), "--no-tensorboard"]
    assert tgcnet([*command, "--accelerator", "cpu", "--workers", "0"]) == 0
    for last in out.glob("checkpoints/*-00000002.safetensors"):
        last.unlink()
    shutil.rmtree(out / "model")
    for file in out.rglob("*.safetensors"):
        shorten_file(file)


def make_finetuning(work: Path) -> None:
    """A run that was stopped, one that was finished, and the candidate, which is switched on."""
    ledger = Ledger.create(work / "corrections")
    for index in range(3):
        ledger.save(phantoms.to_learn_from(index))
    root = work / "runs"
    stopped = begin_run(root, ledger, Options(epochs=3, batch_size=2, seed=7))
    with patch.object(EventLog, "__call__", stop_after_step(2)):
        assert tgcnet(finetune(work, stopped)) == 130
    for file in stopped.glob("*.safetensors"):
        shorten_file(file)
    kept = sorted(stopped.glob("features/*/*.safetensors"))
    for file in kept[1:]:
        file.unlink()
    finished = begin_run(root, ledger, Options(epochs=1, batch_size=2, seed=7, learns="decoder"))
    assert tgcnet(finetune(work, finished)) == 0
    [candidate] = (finished / "model").iterdir()
    assert tgcnet(["models", "activate", candidate.name]) == 0
    stopped.rename(root / "20260101-000000-aaaaaa")
    finished.rename(root / "20260102-000000-bbbbbb")


def begin_run(root: Path, ledger: Ledger, options: Options) -> Path:
    """A run's folder with what the window writes into it."""
    order = RunOrder(
        ledger=ledger.folder, reference=None, model="compat", device="cpu", options=options
    )
    return RunProcesses((sys.executable, "-c", "pass"), lambda: root).start(order).run


def finetune(work: Path, run: Path) -> list[str]:
    """The command that the window starts."""
    options = json.loads((run / "order.json").read_text(encoding="utf-8"))["options"]
    return ["finetune", "--corrections", str(work / "corrections"), "--out", str(run), *options]


def stop_after_step(step: int) -> Callable[[EventLog, Event], None]:
    """A run's log, beside which somebody asks the run to stop."""
    log = EventLog.__call__

    def call(self: EventLog, event: Event) -> None:
        log(self, event)
        if isinstance(event, Stepped) and event.step == step:
            ask_to_stop(self._path.parent)

    return call


def make_cohort(work: Path) -> None:
    """Five studies: a picture, a stack, one without an image, one without a target, a picture.

    Half of it is as a run left it that was broken off and then killed in the fourth study.
    """
    folder = work / "cohort"
    folder.mkdir()
    phantoms.write_ct(folder / "stack.nii.gz")
    for index in range(2):
        pixels = (np.arange(48 * 40).reshape(48, 40) * (7 + index)) % 251
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"picture{index}.png")
    report = '"Pulmonary infection, lower left lung."'
    (folder / "studies.csv").write_text(
        "image,id,report,modality,slices,patient_id\n"
        f"picture0.png,s0,{report},xray,,phantom 0\n"
        f"stack.nii.gz,s1,{report},ct,1:3,\n"
        f"absent.png,s2,{report},,,\n"
        'picture1.png,s3,"No pulmonary infection.",,,\n'
        f"picture1.png,s4,,xray,,\n",
        encoding="utf-8",
    )
    set_times(folder)
    out = folder / "finished"
    command = ["segment-cohort", str(folder / "studies.csv"), "--model", "compat"]
    assert tgcnet([*command, "--device", "cpu", "--out", str(out)]) == 1
    half = folder / "half"
    shutil.copytree(out, half)
    for study in ("s3", "s4"):
        shutil.rmtree(half / "studies" / study)
        [journal] = (half / "journal").glob("*.jsonl")
        lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
        journal.write_text("".join(line for line in lines if f'"{study}"' not in line))
    with Journal(half / "journal").attempt("s3"):
        shutil.copytree(half, work.with_name("half"))
    shutil.rmtree(half)
    shutil.move(work.with_name("half"), half)
    (half / "cohort.csv").unlink()


def shortened(model: Network) -> Network:
    """The network, every tensor repeating its first numbers."""
    model.load_state_dict({name: repeated(t) for name, t in model.state_dict().items()})
    return model


def shorten_file(path: Path) -> None:
    """The same for a file, its metadata kept."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = safetensors.torch.load_file(path)
    for name in tensors.keys() - {"random"}:
        tensors[name] = repeated(tensors[name])
    safetensors.torch.save_file(tensors, path, metadata)


def repeated(tensor: Tensor) -> Tensor:
    """The first numbers, over and over, in the shape it has."""
    flat = tensor.detach().flatten()
    index = torch.arange(flat.numel()) % PERIOD
    return flat[index].reshape(tensor.shape).contiguous()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
