"""From a ledger and a parent to a candidate among the user's models, compared with the active one.

Nothing is switched: a person does that.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from tgcnet.config.json_values import to_json
from tgcnet.corrections import Ledger
from tgcnet.data.rows import Row
from tgcnet.errors import Cancelled, OutputError
from tgcnet.finetune.candidate import export_candidate
from tgcnet.finetune.compare_with_active import compare_with_active
from tgcnet.finetune.config import FinetuneConfig, FinetuneJob, default_epochs
from tgcnet.finetune.events import Done, Event, Message, Written
from tgcnet.finetune.prepare_folder import begin, make_folder, remove_kept_images
from tgcnet.finetune.run_data import ProblemReporter, read_samples
from tgcnet.finetune.run_folder import lift_stop
from tgcnet.finetune.samples import Sample, check_enough
from tgcnet.finetune.training import Training
from tgcnet.inference.device import resolve_device
from tgcnet.weights.install import install_model
from tgcnet.weights.load import load_model
from tgcnet.weights.registry import find_model


def finetune(
    job: FinetuneJob, config: FinetuneConfig, *, on_event: Callable[[Event], None], resume: bool
) -> Path:
    """Fine-tune a model on a ledger's corrections and have the gate compare the candidate.

    Parameters
    ----------
    on_event : receives every event
    resume : continue from the checkpoint in ``job.out`` where there is one; a run that was trained
        to the end continues with the gate

    Returns
    -------
    Path
        The candidate's folder among the user's models.

    Raises
    ------
    InputError
        If there is too little to train on, ``job.out`` holds a run and ``resume`` is false, or
        training diverges and lower rates do not help.
    Cancelled
        If a file called ``stop`` appeared in the run's folder; it can be resumed.
    LedgerError, CheckpointError, OutputError
        If the ledger, a model or the run's folder cannot be used. Once the candidate is
        installed, the sentence names it.
    """
    make_folder(job, resume=resume)
    is_resumed = begin(job.out, resume=resume)
    try:
        return _finetune(job, config, on_event, is_resumed=is_resumed)
    except Cancelled:
        lift_stop(job.out)  # the request is fulfilled
        raise


def _finetune(
    job: FinetuneJob, config: FinetuneConfig, on_event: Callable[[Event], None], *, is_resumed: bool
) -> Path:
    ledger, on_problem = Ledger.open(job.ledger), ProblemReporter(on_event)
    device = resolve_device(job.device)
    written, measured = _train(
        job, config, ledger, device, on_event, on_problem, is_resumed=is_resumed
    )
    name = install_model(written)
    on_event(Written(model=name))
    compare_with_active(
        name, job, ledger, device, measured=measured, on_event=on_event, on_problem=on_problem
    )
    try:
        remove_kept_images(job.out)
    except OutputError as error:
        on_event(Message(sentence=str(error)))  # the run itself is done
    on_event(Done(model=name))
    return find_model(name)


def _train(
    job: FinetuneJob,
    config: FinetuneConfig,
    ledger: Ledger,
    device: torch.device,
    on_event: Callable[[Event], None],
    on_problem: ProblemReporter,
    *,
    is_resumed: bool,
) -> tuple[Path, tuple[Row, ...]]:
    """The candidate in the run's folder, and the reference rows to measure.

    The memory that training took is free again by then.
    """
    parent = load_model(job.model, str(device))
    sets, snapshot = read_samples(
        ledger, job, parent, is_resumed=is_resumed, on_event=on_event, on_problem=on_problem
    )
    check_enough(sets, ledger)
    if config.epochs is None:
        config = replace(config, epochs=default_epochs(len(sets.new or sets.earlier)))
    # An unfinished run keeps the configuration it began with.
    identity = {
        "config": to_json(config),
        "parent": parent.manifest.sha256,
        "snapshot": snapshot.identifier,
        "reference": _hash_of(sets.reference),
    }
    torch.manual_seed(config.seed)
    training = Training(job.out, config, parent, sets, device, on_event)
    training.run(identity, resume=is_resumed)
    written = export_candidate(training.model, parent, snapshot, job.out, training.model_config)
    return written, sets.measured


def _hash_of(samples: Sequence[Sample]) -> str:
    """One hash over all: that of a single image would reveal it to anyone who has the image."""
    digests = sorted(sample.digest for sample in samples)
    return hashlib.sha256("".join(digests).encode()).hexdigest()
