"""``tgcnet models import`` and ``models show`` of an architecture."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch

from tgcnet.cli import main
from tgcnet.config import ClipImageConfig, ClipTextConfig, TowerConfig
from tgcnet.models.clip_towers import build_clip

Refused = Callable[[list[str]], str]


@pytest.fixture
def clip_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TGCNET_PRETRAINED", str(tmp_path / "pretrained"))
    towers = TowerConfig(
        embed_dim=16,
        image=ClipImageConfig(
            width=64, layers=4, heads=1, patch_px=16, side_px=32, quick_gelu=True
        ),
        text=ClipTextConfig(width=64, layers=1, heads=1, quick_gelu=True),
    )
    file = tmp_path / "towers.safetensors"
    safetensors.torch.save_file(build_clip(towers).state_dict(), file)
    return file


def test_import_says_what_it_is_and_how_to_use_it(
    capsys: pytest.CaptureFixture[str], refused: Refused, clip_file: Path
) -> None:
    assert "states whether its towers use QuickGELU" in refused(
        ["models", "import", str(clip_file)]
    )
    command = ["models", "import", str(clip_file), "--quick-gelu", "yes", "--licence", "MIT"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "towers: a pair of towers: image clip ViT/16 of width 64 with 4 layers at 32 px" in said
    assert 'clip_weights="towers"' in said
    assert "Licence: MIT." in said
    assert main([*command, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["is_new"], values["use"]) == (False, 'clip_weights="towers"')
    other = ["models", "import", str(clip_file), "--quick-gelu", "no"]
    assert "other weights are called 'towers' already" in refused(other)


def test_import_of_what_is_not_there(refused: Refused, tmp_path: Path) -> None:
    assert "there is no file or folder" in refused(["models", "import", "nowhere.safetensors"])
    assert "holds no weights that are read" in refused(["models", "import", str(tmp_path)])
    (tmp_path / "a.pt").write_bytes(b"no")
    assert "is no file that torch wrote" in refused(["models", "import", str(tmp_path / "a.pt")])


def test_a_model_of_our_own_is_registered(
    capsys: pytest.CaptureFixture[str],
    refused: Refused,
    no_user_models: Path,
    tiny_model_folder: Path,
) -> None:
    assert main(["models", "import", str(tiny_model_folder)]) == 0
    assert "tiny: whole, and registered." in capsys.readouterr().out
    assert (no_user_models / "tiny" / "manifest.json").is_file()
    named = ["models", "import", str(tiny_model_folder), "--name", "other"]
    assert "leave --name and --quick-gelu out" in refused(named)


def test_an_architecture_without_weights_is_shown(
    capsys: pytest.CaptureFixture[str], no_user_models: Path
) -> None:
    assert main(["models", "show", "tmca-mini"]) == 0
    said = capsys.readouterr().out
    assert "an architecture without weights" in said
    assert "total: 15116217" in said
    assert "image: 1.31" in said
    assert "one image of 224 x 224 px, and apart from it one sentence of 32 tokens" in said


def test_long_lists_are_shortened_in_print_and_whole_in_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models", "show", "mini"]) == 0
    line = next(
        line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("words:")
    )
    assert line.endswith(" in all)")
    assert len(line) < 200
    assert main(["models", "show", "mini", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert len(values["model"]["towers"]["text"]["words"]) > 300
    assert values["gflop"]["image"] == 3.27
