"""What is measured between two lines of the log: mean loss, seconds a step, share of waiting."""

import time
from collections.abc import Mapping, Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor


class Meter:
    """Adds up steps; the loss stays on its device until somebody asks.

    Parameters
    ----------
    earlier : losses of the steps since the last line of the log that were done before a stop
    """

    def __init__(self, earlier: Sequence[float] = ()) -> None:
        self._earlier = tuple(earlier)
        self._losses: list[Tensor] = []
        self._since = time.perf_counter()
        self._waited = 0.0

    def add(self, loss: Tensor) -> None:
        """A step is done."""
        self._losses.append(loss.detach().float())

    def start(self, waited: float) -> None:
        """Begin anew; what lies between, a validation say, is nobody's step.

        Parameters
        ----------
        waited : seconds that the loop has waited for data so far
        """
        self._earlier = ()
        self._losses.clear()
        self.start_clock(waited)

    def start_clock(self, waited: float) -> None:
        """Time from here on, and forget no loss."""
        self._since, self._waited = time.perf_counter(), waited

    def losses(self, fabric: Fabric) -> tuple[float, ...]:
        """Of each step since the last line of the log, the mean over all processes' samples.

        Every process has to ask at the same step.
        """
        if not self._losses:
            return self._earlier
        now = fabric.all_reduce(torch.stack(self._losses), reduce_op="mean")
        assert isinstance(now, Tensor)  # noqa: S101 - for the type checker
        return (*self._earlier, *now.tolist())

    def read(self, fabric: Fabric, waited: float) -> dict[str, float]:
        """Over all processes' samples the mean loss, and this one's times; nothing without steps.

        Every process has to ask at the same step.
        """
        if not self._losses:
            return {}
        loss = torch.tensor(self.losses(fabric)).mean()
        seconds = time.perf_counter() - self._since
        values = {
            "loss": loss.item(),
            "seconds_per_step": seconds / len(self._losses),
            "wait_share": (waited - self._waited) / seconds,
        }
        self.start(waited)
        return values


def summary_of_maps(maps: Mapping[str, Tensor]) -> dict[str, float]:
    """Of each map to watch, (B, K, h, w), the mean, deviation and spatial variance."""
    values: dict[str, float] = {}
    for name, watched in maps.items():
        values[f"{name}_mean"] = watched.mean().item()
        values[f"{name}_std"] = watched.std().item()
        values[f"{name}_spatial_variance"] = watched.var(dim=(2, 3)).mean().item()
    return values
