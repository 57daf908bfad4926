"""The batches of a run: which samples, in which order, for which process, and the time waited.

The order is that of the whole run's batches, whatever the number of processes: each takes its
part of every batch. One loader serves all epochs, so that no epoch begins with an empty queue.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.utils.data import DataLoader

from tgcnet.train.checkpoint import Progress
from tgcnet.train.config import Phase
from tgcnet.train.data.batch import Batch, Sample, collate
from tgcnet.train.data.training_set import SampleKey, TrainingSet


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Which part of each batch a process takes."""

    rank: int = 0
    num_processes: int = 1

    def of(self, keys: Sequence[SampleKey]) -> list[SampleKey]:
        """Its samples, of as many as divide by the number of processes."""
        size = len(keys) // self.num_processes
        return list(keys[self.rank * size : (self.rank + 1) * size])


class BatchPlan:
    """Every batch of a stage from ``done`` on, as the keys of one process's samples."""

    def __init__(
        self,
        training_set: TrainingSet,
        phases: Sequence[Phase],
        batch_size: int,
        done: Progress,
        share: Share,
    ) -> None:
        self._training_set, self._batch_size = training_set, batch_size
        self._done, self._share = done, share
        self._sides = [phase.side_px for phase in phases for _ in range(phase.epochs)]
        self._per_epoch = len(training_set) // batch_size

    def __iter__(self) -> Iterator[list[SampleKey]]:
        size = self._batch_size
        for epoch in range(self._done.epoch, len(self._sides)):
            keys = self._training_set.order(epoch, self._sides[epoch])
            first = self._done.batch if epoch == self._done.epoch else 0
            for batch in range(first, self._per_epoch):
                yield self._share.of(keys[batch * size : (batch + 1) * size])

    def progress(self) -> Iterator[tuple[int, int]]:
        """Epoch and batch at which the run stands once each of them is done."""
        for epoch in range(self._done.epoch, len(self._sides)):
            first = self._done.batch if epoch == self._done.epoch else 0
            for batch in range(first, self._per_epoch):
                is_last = batch + 1 == self._per_epoch
                yield epoch + is_last, 0 if is_last else batch + 1


class Batches:
    """Iterates over the batches of a plan, prepared ahead by workers where there are any.

    Attributes
    ----------
    waited : seconds that the loop has waited for data
    """

    def __init__(
        self, training_set: TrainingSet, plan: BatchPlan, *, num_workers: int, pins_memory: bool
    ) -> None:
        self._plan = plan
        self._loader: DataLoader[Sample] = DataLoader(
            training_set,
            batch_sampler=plan,
            collate_fn=collate,
            num_workers=num_workers,
            # A fork would copy torch's threads in whatever state they are.
            multiprocessing_context="spawn" if num_workers else None,
            pin_memory=pins_memory,
        )
        self.waited = 0.0

    def __iter__(self) -> Iterator[tuple[Batch, tuple[int, int]]]:
        batches = iter(self._loader)
        for place in self._plan.progress():
            began = time.perf_counter()
            batch = next(batches)
            self.waited += time.perf_counter() - began
            yield batch, place
