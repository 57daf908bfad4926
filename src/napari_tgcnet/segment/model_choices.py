"""Which model and which device: what the engine offers, and what is chosen. No Qt."""

from __future__ import annotations

from dataclasses import replace

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.state import DeviceChoice, ModelChoice, SegmentState
from napari_tgcnet.shared import messages as shared_messages
from napari_tgcnet.shared.store import Store
from tgcnet.engine.protocol import ModelInfo, Ready

AUTO = DeviceChoice(name="auto", label=messages.AUTO_DEVICE)
CPU = DeviceChoice(name="cpu", label=messages.CPU_DEVICE)


class ModelChoices:
    """Keeps the engine's description of its models, and follows the active one."""

    def __init__(self, store: Store[SegmentState]) -> None:
        self._store = store
        self._infos: dict[str, ModelInfo] = {}
        self._active: str | None = None

    def info(self, name: str) -> ModelInfo:
        """The engine's description of a model that can be chosen."""
        return self._infos[name]

    def choose(self, name: str) -> None:
        """Choose a model, with the threshold it was evaluated with."""
        chosen = next(model for model in self._store.state.models if model.name == name)
        self._store.become(replace(self._store.state, model=name, threshold=chosen.threshold))

    def update(self, event: Ready) -> None:
        """Show what the engine offers now."""
        store = self._store
        self._infos = {model.name: model for model in event.models}
        devices = device_choices(event)
        store.become(replace(store.state, engine_ready=True, engine_problem="", devices=devices))
        store.become(replace(store.state, models=model_choices(event)))
        if store.state.device not in {device.name for device in devices}:
            store.become(replace(store.state, device=AUTO.name))
        self._follow_active()

    def _follow_active(self) -> None:
        """Choose the active model, unless the user chose another since it became active."""
        state = self._store.state
        active = next((model.name for model in state.models if model.is_active), None)
        if state.model not in self._infos:
            self._store.become(replace(self._store.state, model=None))
        has_none = self._store.state.model is None
        if active is not None and (has_none or active != self._active):
            self.choose(active)
        elif has_none and state.models:
            self._store.become(replace(self._store.state, problem=messages.NO_ACTIVE_MODEL))
        self._active = active


def model_choices(event: Ready) -> tuple[ModelChoice, ...]:
    return tuple(
        ModelChoice(
            name=model.name,
            label=shared_messages.model_label(model.name, is_active=model.is_active),
            threshold=model.threshold,
            findings=model.findings,
            is_active=model.is_active,
        )
        for model in event.models
    )


def device_choices(event: Ready) -> tuple[DeviceChoice, ...]:
    """Automatic and CPU, which are always there, then each other device with its free memory."""
    others = (
        DeviceChoice(name=device.name, label=messages.device_label(device.label, device.free_bytes))
        for device in event.devices
        if device.name not in (AUTO.name, CPU.name)
    )
    return (AUTO, CPU, *others)
