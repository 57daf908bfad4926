"""Prepare the data that the recipe ``mini`` trains on and that its table is measured on.

    python training/recipes/prepare_mini_data.py --source DATA --out FOLDER

DATA holds ``qata_cov19``, ``ct_covid_semiseg``, ``gb_covid_cxr``, ``ct_dicom_jpeg2000`` and
``ct_lung_gtv_dicom``. The first three are linked; three-column folders are made of the rest:

``ct_held_out`` holds the ten labelled CT slices that are never trained on.
``ct_classes`` holds the labelled CT slices with ground glass and consolidation as two classes:
those ten in ``held_out``, the others in ``train``.
``referring`` is what ``tgcnet data convert --referring`` makes of ``qata_cov19/val``.
``lesion_free`` holds slices of CTs without the lesions that the captioned sets show, under the
lung window of the preprocessing, with empty masks: of the abdominal series and of the
CT-angiography crop. ``train`` has their first blocks, ``held_out`` later ones, a gap between.
``beside_tumour`` holds, with empty masks too, the slices of the three lung-tumour series on which
no tumour is outlined; nothing else was outlined there, so they need not be free of other opacities.
No slice of these patients is ever trained on.
"""

import argparse
import csv
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

from tgcnet.config import PreprocessConfig
from tgcnet.data.classes import make_classes, write_classes
from tgcnet.data.referring_set import convert
from tgcnet.domain import Modality
from tgcnet.io import load_volume
from tgcnet.preprocess import decide_window, scale_to_unit
from tgcnet.train.recipes.mini import held_out_ct_slices

CT_CLASSES = ("ground glass opacity", "consolidation")
ABDOMEN_TRAIN, ABDOMEN_HELD_OUT = slice(0, 14), slice(17, 20)
ANGIOGRAPHY_TRAIN, ANGIOGRAPHY_HELD_OUT = slice(0, 80), slice(86, 112)


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    source, out = arguments.source.resolve(), arguments.out
    out.mkdir(parents=True)
    for name in ("qata_cov19", "ct_covid_semiseg", "gb_covid_cxr"):
        (out / name).symlink_to(source / name, target_is_directory=True)
    convert(source / "qata_cov19" / "val", out / "referring")
    ct = source / "ct_covid_semiseg" / "train"
    held_out_ct = held_out_ct_slices()
    copy_rows(ct, held_out_ct, out / "ct_held_out")
    trained_ct = {file.name for file in (ct / "images").iterdir()} - set(held_out_ct)
    for part, names in (("train", trained_ct), ("held_out", held_out_ct)):
        folder = out / "ct_classes" / part
        copy_rows(ct, names, folder, masks="classes")
        write_classes(make_classes(CT_CLASSES), folder)
    abdomen = abdominal_series(source / "ct_dicom_jpeg2000" / "dicom")
    crop = source / "ct_dicom_jpeg2000" / "nifti_thoracic_cta" / "ct_cropped.nii.gz"
    angiography = windowed_nifti(crop)
    train = {"abdomen": abdomen[ABDOMEN_TRAIN], "angiography": angiography[ANGIOGRAPHY_TRAIN]}
    held_out = {
        "abdomen": abdomen[ABDOMEN_HELD_OUT],
        "angiography": angiography[ANGIOGRAPHY_HELD_OUT],
    }
    write_folder(out / "lesion_free" / "train", train)
    write_folder(out / "lesion_free" / "held_out", held_out)
    write_folder(out / "beside_tumour", dict(tumour_free(source / "ct_lung_gtv_dicom")))


def copy_rows(folder: Path, images: Collection[str], out: Path, *, masks: str = "masks") -> None:
    """Copy the rows of the given images from a three-column folder into a new one."""
    for part in ("images", "masks"):
        (out / part).mkdir(parents=True)
    with (folder / "captions.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] in images]
    for row in rows:
        shutil.copyfile(folder / "images" / row["image"], out / "images" / row["image"])
        shutil.copyfile(folder / masks / row["mask"], out / "masks" / row["mask"])
    with (out / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image", "mask", "report"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def abdominal_series(folder: Path) -> np.ndarray:
    """(Z, Y, X) uint8, feet to head."""
    slices = sorted(
        (pydicom.dcmread(file) for file in folder.iterdir()),
        key=lambda s: float(s.ImagePositionPatient[2]),
    )
    hounsfield = np.stack(
        [s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices]
    )
    return lung_window(hounsfield)


def lung_window(hounsfield: np.ndarray) -> np.ndarray:
    """The preprocessing's lung window as 8 bits."""
    config = PreprocessConfig()
    low = config.window_centre_hu - config.window_width_hu / 2
    unit = np.clip((hounsfield - low) / config.window_width_hu, 0, 1)
    return np.round(unit * 255).astype(np.uint8)


def windowed_nifti(file: Path) -> np.ndarray:
    """(Z, Y, X) uint8 in LPS order."""
    volume = load_volume(file, modality=Modality.CT)
    window = decide_window(volume, PreprocessConfig())
    unit = np.stack([scale_to_unit(plane, window) for plane in volume.array])
    return np.round(unit * 255).astype(np.uint8)


def tumour_free(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Per patient the slices in which the tumour outline has no pixel, every second one."""
    for ct in sorted(folder.glob("pat_*_ct.nii.gz")):
        outline = load_volume(ct.with_name(ct.name.replace("_ct", "_gtv")), modality=Modality.CT)
        is_free = ~outline.array.any(axis=(1, 2))
        yield ct.name.split("_ct")[0], windowed_nifti(ct)[is_free][::2]


def write_folder(folder: Path, stacks: dict[str, np.ndarray]) -> None:
    """One picture a slice, with an empty mask and no report."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", "report", "subject"])
        for subject, stack in stacks.items():
            for index, plane in enumerate(stack):
                name = f"{subject}_{index:03d}.png"
                Image.fromarray(plane).save(folder / "images" / name)
                Image.fromarray(np.zeros_like(plane)).save(folder / "masks" / name)
                writer.writerow([name, name, "", subject])


if __name__ == "__main__":
    main()
