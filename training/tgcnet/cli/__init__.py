"""The command line, ``tgcnet``: one module a command, torch only in those that need it."""

import sys
from collections.abc import Sequence

from tgcnet.cli.app import EXIT_BAD_INPUT, parse
from tgcnet.cli.output import discard_output, warn
from tgcnet.errors import TgcnetError

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141  # as a shell reports a process that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a user can mend is one sentence and exit 2, a defect a traceback.

    Raises
    ------
    SystemExit
        After ``--help``, ``--version`` or a wrong option; see :func:`tgcnet.cli.app.parse`.
    """
    command = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        status = command.run()
        sys.stdout.flush()
    except TgcnetError as error:
        warn(f"tgcnet: {error}")
        return EXIT_BAD_INPUT
    except MemoryError:
        warn(
            "tgcnet: this machine's memory is used up; close other programs, ask for fewer slices "
            "or take a smaller image."
        )
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        warn("tgcnet: stopped before the end; no file was left half-written.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        discard_output()  # whoever read it, such as head, has enough
        return EXIT_BROKEN_PIPE
    return status
