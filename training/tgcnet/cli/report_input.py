"""The report that a command was given, and whether it is the image's."""

import argparse
from dataclasses import replace

from tgcnet.domain import Identity, Volume
from tgcnet.errors import InputError
from tgcnet.io import read_report
from tgcnet.io.report_file import ReportFile, readable
from tgcnet.io.report_table import About

_NAMES = {"patient_id": "patient ID", "accession_number": "accession number", "study_id": "study"}


def asked_report(arguments: argparse.Namespace, volume: Volume) -> ReportFile:
    """What ``--report`` or ``--report-file`` gives, with sentences on whose it is.

    Raises
    ------
    InputError
        If the file cannot be read, or is of another patient or study than the image and
        ``--yes`` was not given.
    """
    if arguments.report_file is None:
        read = readable(ReportFile(text=arguments.report or ""))
    else:
        about = About(name=arguments.image.absolute().name, identity=volume.identity)
        read = read_report(arguments.report_file, about=about)
    told = _whose(read, volume.identity, is_confirmed=arguments.yes)
    return replace(read, notices=(*read.notices, *told))


def _whose(read: ReportFile, image: Identity, *, is_confirmed: bool) -> tuple[str, ...]:
    differing = read.identity.differing(image)
    what = ", ".join(_NAMES[name] for name in differing)
    if differing and not is_confirmed:
        raise InputError(
            f"The report and the image differ in {what}, expected those of one study; give the "
            "report of this image, or pass --yes to use it all the same."
        )
    if differing:
        return (f"The report and the image differ in {what}; it is used, since --yes was given.",)
    is_unknown = set(read.identity.compare(image).values()) == {None}
    if read.text.strip() and image != Identity() and is_unknown:
        return ("Whether the report is of this image's patient and study is unknown.",)
    return ()
