"""Whole folders, and files made only once: several processes may write, none waits for another."""

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tgcnet.io.atomic import flush_file, flush_folder, not_written

ABANDONED_AFTER_S = 24 * 3600.0
"""A folder that another machine began, and that has not changed for this long, is abandoned."""

_TEMPORARY = re.compile(r"\.tgcnet-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{12}")
_IS_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def publish_folder(
    targets: Iterable[Path], fill: Callable[[Path], None], *, staging: Path, called: str
) -> Path:
    """Let ``fill`` fill a temporary folder, then rename it to the first target that is free.

    Whoever lists a target's parent sees the folder whole or not at all; files and names are on the
    disk before this returns.

    Parameters
    ----------
    targets : tried in order; what is there already is never replaced
    fill : receives an empty folder
    staging : a folder on the same disk, made where it is absent, that holds the temporary one
    called : what a refusal calls it, at the start of a sentence

    Returns
    -------
    Path
        The target taken.

    Raises
    ------
    OutputError
        If it cannot be written; no target has changed.
    FileExistsError
        If all targets were there already.
    """
    temporary = staging / _temporary_name()
    try:
        staging.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        fill(temporary)
        _flush_tree(temporary)
        taken = next((target for target in targets if rename_if_free(temporary, target)), None)
    except OSError as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
        raise not_written(called, error) from None
    finally:
        # What cannot be removed now is a leftover like any other.
        shutil.rmtree(temporary, ignore_errors=True)
    if taken is None:
        raise FileExistsError(f"{called} found no free name")
    return taken


def write_once(path: Path, content: bytes, *, called: str) -> bool:
    """Write a file that is not there yet; False, and no change, where it is.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    temporary = path.with_name(_temporary_name())
    try:
        temporary.write_bytes(content)
        flush_file(temporary)
        is_new = _link_if_free(temporary, path)
    except OSError as error:
        raise not_written(called, error) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    flush_folder(path.parent)
    return is_new


def rename_if_free(source: Path, target: Path) -> bool:
    """Rename a folder to a name that nothing bears yet; False, and no change, where one does.

    Raises
    ------
    OSError
        If the system refuses for another reason.
    """
    # POSIX would put a folder in the place of an empty one.
    if target.exists():
        return False
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno in _IS_TAKEN:
            return False
        raise
    flush_folder(target.parent)
    return True


def sweep_leftovers(folder: Path) -> None:
    """Remove what unfinished writers left in ``folder``; what a living process builds stays.

    Whether a process lives is known on its own machine only; elsewhere, age decides.
    """
    try:
        paths = list(folder.iterdir())
    except OSError:
        return  # not there, or not to be read: what lies in it is in nobody's way
    for path in paths:
        found = _TEMPORARY.fullmatch(path.name)
        if found is None or not _is_abandoned(path, found["host"], int(found["pid"])):
            continue
        if path.is_dir():
            # A folder that may not be written keeps its leftovers, which nobody reads.
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _link_if_free(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # A disk without links (FAT, some network disks). Windows refuses to rename onto a file.
        if path.exists():
            return False
        os.rename(temporary, path)
    return True


def _flush_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            flush_file(Path(parent) / name)
        flush_folder(Path(parent))


def _temporary_name() -> str:
    return f".tgcnet-{_this_host()}-{os.getpid()}-{secrets.token_hex(6)}"


def _this_host() -> str:
    """Eight digits for where process numbers are counted: the machine, or the container on it."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _is_abandoned(path: Path, host: str, pid: int) -> bool:
    # Windows has no harmless way to ask for a process: signal 0 would end it.
    if host == _this_host() and sys.platform != "win32":
        return not _is_alive(pid)
    try:
        return time.time() - path.stat().st_mtime > ABANDONED_AFTER_S
    except OSError:
        return False  # its owner has finished in between, or it is somebody else's


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True
