"""Stands for the controller of fine-tuning and its parts, and keeps what views report."""

from __future__ import annotations

from napari_tgcnet.finetune.state import Options
from tgcnet.finetune.events import SliceCompared


class Part:
    """Stands for one part of the controller; adds what its view reports to a list."""

    def __init__(self, reported: list[tuple[object, ...]]) -> None:
        self.reported = reported


class Setup(Part):
    def choose_ledger(self, path: str) -> None:
        self.reported.append(("choose_ledger", path))

    def choose_reference(self, path: str) -> None:
        self.reported.append(("choose_reference", path))

    def choose_parent(self, name: str) -> None:
        self.reported.append(("choose_parent", name))

    def choose_device(self, name: str) -> None:
        self.reported.append(("choose_device", name))

    def set_options(self, options: Options) -> None:
        self.reported.append(("set_options", options))


class Run(Part):
    def start(self) -> None:
        self.reported.append(("start",))

    def stop(self) -> None:
        self.reported.append(("stop",))

    def kill(self) -> None:
        self.reported.append(("kill",))

    def resume(self) -> None:
        self.reported.append(("resume",))


class Slices(Part):
    def show(self, one: SliceCompared) -> None:
        self.reported.append(("show", one))


class Models(Part):
    def select(self, name: str) -> None:
        self.reported.append(("select", name))

    def switch(self) -> None:
        self.reported.append(("switch",))

    def answer(self, is_yes: bool) -> None:
        self.reported.append(("answer", is_yes))

    def go_back(self) -> None:
        self.reported.append(("go_back",))

    def delete(self) -> None:
        self.reported.append(("delete",))


class FakeController:
    """Stands for the controller; keeps what was reported to its parts, in order."""

    def __init__(self) -> None:
        self.reported: list[tuple[object, ...]] = []
        self.setup, self.run = Setup(self.reported), Run(self.reported)
        self.comparison, self.models = Slices(self.reported), Models(self.reported)
