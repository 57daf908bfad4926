"""What the engine offers, as the panel's choosers show it."""

from __future__ import annotations

from napari_tgcnet import messages
from napari_tgcnet.state import DeviceChoice, ModelChoice
from tgcnet.engine.protocol import Ready

AUTO = DeviceChoice(name="auto", label=messages.AUTO_DEVICE)
CPU = DeviceChoice(name="cpu", label=messages.CPU_DEVICE)


def model_choices(event: Ready) -> tuple[ModelChoice, ...]:
    return tuple(
        ModelChoice(
            name=model.name,
            label=messages.model_label(model.name, is_active=model.is_active),
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
