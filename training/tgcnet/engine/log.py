"""Where the child's messages are kept: a small rotating file in the platform's state folder."""

import logging
import logging.handlers
import sys
from io import TextIOWrapper
from pathlib import Path

import platformdirs

from tgcnet.errors import on_one_line

_FILE = "engine.log"
_MAX_BYTES = 1_000_000
_NUM_OLD_FILES = 2


def default_log_file() -> Path:
    """Name the engine's log in the platform's state folder; nothing is created."""
    return platformdirs.user_log_path("napari-tgcnet", appauthor=False, opinion=False) / _FILE


def log_place(platform: str = sys.platform) -> str:
    """Say in words where the log is, for a sentence that must not show a path of this machine."""
    if platform == "win32":
        folder = "your local application data (%LOCALAPPDATA%)"
    elif platform == "darwin":
        folder = "Library/Logs in your home folder"
    else:
        folder = ".local/state in your home folder (or $XDG_STATE_HOME)"
    return f"the file engine.log in the folder napari-tgcnet under {folder}"


class EngineLog(logging.handlers.RotatingFileHandler):
    """Appends lines, three files of a megabyte at most.

    A log that cannot be written loses lines and disturbs nobody.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(
            file,
            maxBytes=_MAX_BYTES,
            backupCount=_NUM_OLD_FILES,
            encoding="utf-8",
            errors="replace",
            delay=True,
        )
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def write(self, line: str) -> None:
        """Append one line with the time before it."""
        self.handle(logging.makeLogRecord({"msg": "%s", "args": (on_one_line(line),)}))

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base's name
        """Let the line go."""
