"""The window's process never imports torch, and state and controller know no Qt."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULES = (
    "napari_tgcnet._widget, napari_tgcnet._corrections_widget, napari_tgcnet._finetune_widget, "
    "napari_tgcnet._study_widget, napari_tgcnet._reader, napari_tgcnet._writer"
)


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (MODULES + ", napari_tgcnet._sample_data", ("torch", "open_clip", "timm", "transformers")),
        (
            "napari_tgcnet.segment.controller, napari_tgcnet.segment.state",
            ("torch", "qtpy", "PySide6", "napari"),
        ),
        (
            "napari_tgcnet.corrections.controller, napari_tgcnet.corrections.ledger_store",
            ("torch", "qtpy", "PySide6", "napari"),
        ),
        (
            "napari_tgcnet.finetune.controller, napari_tgcnet.finetune.state",
            ("torch", "qtpy", "PySide6", "napari"),
        ),
        (
            "napari_tgcnet.study.controller, napari_tgcnet.study.disk_studies, "
            "napari_tgcnet.shared.windows",
            ("torch", "qtpy", "PySide6", "napari"),
        ),
        ("napari_tgcnet", ("torch", "qtpy", "napari", "numpy")),
    ],
)
def test_imports_stay_away(modules: str, absent: tuple[str, ...]) -> None:
    code = f"import sys; import {modules}; print([m for m in {absent} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
