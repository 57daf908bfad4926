"""Which checkpoints a run keeps: the last two, named by stage and step."""

from pathlib import Path

from tgcnet.errors import CheckpointError, InputError, OutputError

FOLDER = "checkpoints"
_NUM_KEPT = 2
_ENDING = ".safetensors"


class Checkpoints:
    """The checkpoints in a run's folder; only the run's first process changes them."""

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER

    def all(self) -> list[Path]:
        """Oldest first: "pretrain" sorts before "train", and steps have leading zeros."""
        return sorted(self._folder.glob(f"[!.]*{_ENDING}"))

    def latest(self) -> Path | None:
        """The newest; None where there is none."""
        found = self.all()
        return found[-1] if found else None

    def place_for(self, stage: str, step: int) -> Path:
        """Where the checkpoint of a step goes.

        Raises
        ------
        OutputError
            If its folder cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the run's folder {FOLDER!r} cannot be made ({error.strerror or 'refused'}); make "
                "room or lift the protection, then go on with --resume"
            ) from None
        return self._folder / f"{stage}-{step:08}{_ENDING}"

    def drop_old(self) -> None:
        """All but the last two; once the newest is on the disk, not before.

        With them goes what a kill left half-written, whose name begins with a dot.
        """
        for path in (*self.all()[:-_NUM_KEPT], *self._folder.glob(f".*{_ENDING}")):
            path.unlink(missing_ok=True)

    def go_back_to(self, path: Path) -> None:
        """Drop what came after a checkpoint of this folder, since the run goes on from it."""
        for later in self.all():
            if later.name > path.name:
                later.unlink(missing_ok=True)


def checkpoint_to_resume(out: Path, named: Path | None) -> Path | None:
    """The checkpoint that a run goes on from: the one named, else the newest of its folder.

    Raises
    ------
    InputError
        If the one named is not there.
    CheckpointError
        If it belongs to another folder's run.
    """
    if named is None:
        return Checkpoints(out).latest()
    if not named.is_file():
        raise InputError(
            f"--resume names {named.name}, which is not there; expected a file of the run's folder "
            f"{FOLDER!r}, or no name at all for the newest"
        )
    if named.resolve().parent != (out / FOLDER).resolve():
        raise CheckpointError(
            f"--resume names {named.name}, which does not lie in {FOLDER!r} of the run's folder; "
            "expected one of its own checkpoints: give the folder it lies in as --out"
        )
    return named
