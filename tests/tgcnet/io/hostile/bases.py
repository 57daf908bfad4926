"""Whole files to damage: phantoms of our own, and what pydicom ships."""

import gzip
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import tifffile
from PIL import Image
from tests.tgcnet.io.hostile.cases import Base

_MAX_SHIPPED_BYTES = 120_000


def pictures() -> list[Base]:
    """PNG and JPEG, grey and colour, deep and plain."""
    y, x = np.mgrid[:24, :20]
    grey = (7 * x + 3 * y).astype(np.uint8)
    colour = np.stack([grey, grey[::-1], grey // 2], -1)
    made = []
    for name, array, options in (
        ("grey.png", grey, {}),
        ("deep.png", grey.astype(np.uint16) * 200, {}),
        ("colour.png", colour, {}),
        ("grey.jpg", grey, {"quality": 90}),
        ("progressive.jpg", colour, {"progressive": True}),
    ):
        buffer = BytesIO()
        image = Image.fromarray(array)
        image.save(buffer, "PNG" if name.endswith("png") else "JPEG", **options)
        made.append(Base(name=name, content=buffer.getvalue()))
    return made


def tiffs() -> list[Base]:
    """Planes and stacks, packed and plain, of ImageJ, OME and neither."""
    stack = np.arange(3 * 12 * 10, dtype=np.uint16).reshape(3, 12, 10)
    made = []
    for name, options in (
        ("plain.tif", {"photometric": "minisblack"}),
        ("big.tif", {"bigtiff": True, "photometric": "minisblack"}),
        ("deflated.tif", {"compression": "zlib", "photometric": "minisblack"}),
        ("imagej.tif", {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 2, "unit": "mm"}}),
        ("some.ome.tif", {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 500.0}}),
    ):
        buffer = BytesIO()
        tifffile.imwrite(buffer, stack, **options)
        made.append(Base(name=name, content=buffer.getvalue()))
    return made


def nifti() -> Base:
    """A file whose place is written twice, as sform and as qform."""
    data = (np.arange(9 * 8 * 7, dtype=np.int16) - 250).reshape(9, 8, 7)
    turn = np.radians(12.0)
    affine = np.diag([-0.7, -0.8, 2.5, 1.0])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]
    )
    affine[:3, :3] = about_x @ affine[:3, :3]
    affine[:3, 3] = (-101.3, 87.9, -412.75)
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    return Base(name="both_forms.nii", content=image.to_bytes())


def packed_nifti() -> Base:
    """The same, compressed."""
    return Base(name="packed.nii.gz", content=gzip.compress(nifti().content, mtime=0))


def shipped_dicom() -> list[Base]:
    """The small ones that pydicom and pydicom-data ship, by name."""
    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    try:
        import data_store
    except ImportError:
        pass  # pydicom's own are enough for the shape of the test
    else:
        folders.append(Path(data_store.__file__).parent / "data")
    files = sorted(
        (path for folder in folders for path in folder.rglob("*") if path.is_file()),
        key=lambda path: (path.name, path.stat().st_size),
    )
    return [
        Base(name=f"{path.stem}.dcm", content=path.read_bytes())
        for path in files
        if path.suffix in (".dcm", "") and path.stat().st_size <= _MAX_SHIPPED_BYTES
    ]
