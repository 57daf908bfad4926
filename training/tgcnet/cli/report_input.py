"""The report that a command was given, and whether it is the image's."""

import argparse

from tgcnet.cli.output import warn
from tgcnet.domain import Volume
from tgcnet.errors import InputError

_NAMES = {"patient_id": "patient ID", "accession_number": "accession number", "study_id": "study"}


def asked_report(arguments: argparse.Namespace, volume: Volume) -> str:
    """The text of ``--report`` or ``--report-file``, "" without either.

    Raises
    ------
    InputError
        If the file cannot be read, or is of another patient or study than the image and
        ``--yes`` was not given.
    """
    if arguments.report_file is None:
        return arguments.report or ""
    from tgcnet.io import read_report
    from tgcnet.io.report_table import About

    about = About(name=arguments.image.absolute().name, identity=volume.identity)
    read = read_report(arguments.report_file, about=about)
    _check_same(read.identity.differing(volume.identity), is_confirmed=arguments.yes)
    for notice in read.notices:
        warn(notice)
    return read.text


def _check_same(differing: tuple[str, ...], *, is_confirmed: bool) -> None:
    """Refuse a report that is not the image's, or warn where somebody wants it all the same."""
    if not differing:
        return
    what = ", ".join(_NAMES[name] for name in differing)
    if not is_confirmed:
        raise InputError(
            f"The report and the image differ in {what}, expected those of one study; give the "
            "report of this image, or pass --yes to use it all the same."
        )
    warn(f"The report and the image differ in {what}; it is used, since --yes was given.")
