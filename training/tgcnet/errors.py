"""One family of errors for what a user can cause or mend.

Every message says what was given, what was expected and what to do. Command line and panel show
the message alone; anything outside this family is a defect of ours and keeps its traceback.
"""


def on_one_line(sentence: str) -> str:
    """Escape what would move a terminal's cursor, colour it or begin a line: names may hold it."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode()
        for sign in sentence
    )


class TgcnetError(Exception):
    """Root of the family."""


class InputError(TgcnetError):
    """A file, an image, a text or an option cannot be used as it is."""


class ModalityUnknownError(InputError):
    """Nothing in the file says whether it is a CT or a radiograph; somebody has to."""


class ConfigError(TgcnetError):
    """A configuration contradicts itself."""


class CheckpointError(TgcnetError):
    """Weights are missing, damaged, of another architecture, or in a refused format."""


class DeviceError(TgcnetError):
    """The device asked for is absent or out of memory."""


class OutputError(TgcnetError):
    """A result could not be written; what stood there before is intact."""


class LedgerError(TgcnetError):
    """A ledger of corrections, or a case in it, is absent or cannot be read."""


class LedgerDamageError(LedgerError):
    """What lies in a ledger is not what was written there; other reasons to fail are no damage."""


class EngineError(TgcnetError):
    """The model's process died or broke its protocol."""


class MissingExtraError(TgcnetError):
    """An optional dependency is not installed; the message names the command that installs it."""


class Cancelled(TgcnetError):  # noqa: N818 - not a fault, but it travels as one
    """The user stopped the work."""
