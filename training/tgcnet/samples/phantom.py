"""A CT-like chest made of ellipsoids, in Hounsfield units; nobody's body.

Patient coordinates are LPS in millimetres with the origin in the middle of the block: +x is the
patient's left, +y the back, +z the head.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from tgcnet.domain import Geometry, Modality, SideKnowledge, Volume

SHAPE = (40, 256, 256)
SPACING_ZYX_MM = (2.5, 1.4, 1.4)
SEED = 20

PHANTOM_NOTICE = "This is a generated phantom, not a patient."
PHANTOM_REPORT = (
    "Bilateral pulmonary infection, ground glass opacities, 4 infected areas, "
    "posterior left lung and anterior and posterior right lung."
)

AIR_HU, FAT_HU, TISSUE_HU, BLOOD_HU, BONE_HU = -1000.0, -100.0, 40.0, 45.0, 450.0
LUNG_HU, GROUND_GLASS_HU = -850.0, -550.0
NOISE_HU = 15.0

# Centre (x, y, z) and radius, in mm: two in the left lung's back, one in the right lung's back and
# one in its front.
LESIONS_MM = (
    ((78.0, 42.0, -18.0), 19.0),
    ((66.0, 30.0, 22.0), 13.0),
    ((-80.0, 38.0, -8.0), 22.0),
    ((-70.0, -42.0, 14.0), 14.0),
)

ENDLESS_MM = 1e4

Triple = tuple[float, float, float]
Axes = tuple[np.ndarray, np.ndarray, np.ndarray]


def phantom_stack() -> Volume:
    """The phantom, the same in every voxel each time.

    Returns
    -------
    Volume
        int16, (40, 256, 256), HU, 2.5 x 1.4 x 1.4 mm; it says in its notices what it is.
    """
    xyz = _coordinates_mm()
    hu = np.full(SHAPE, AIR_HU, dtype=np.float32)
    # The trunk hardly changes over ten centimetres: an elliptic cylinder, skin and fat outside.
    hu[_ellipsoid(xyz, (0.0, 0.0, 0.0), (165.0, 118.0, ENDLESS_MM))] = FAT_HU
    hu[_ellipsoid(xyz, (0.0, 0.0, 0.0), (152.0, 105.0, ENDLESS_MM))] = TISSUE_HU
    lungs = np.zeros(SHAPE, dtype=bool)
    for centre_x in (-74.0, 74.0):
        lungs |= _ellipsoid(xyz, (centre_x, 0.0, -10.0), (58.0, 82.0, 85.0))
    # The heart lies to the patient's left, and keeps a thin coat between itself and the lung.
    lungs &= ~_ellipsoid(xyz, (22.0, -32.0, -20.0), (52.0, 44.0, 48.0))
    hu[lungs] = LUNG_HU
    hu[_ellipsoid(xyz, (22.0, -32.0, -20.0), (50.0, 42.0, 46.0))] = BLOOD_HU
    hu[_ellipsoid(xyz, (0.0, 68.0, 0.0), (19.0, 16.0, ENDLESS_MM))] = BONE_HU
    hu = _with_lesions(hu, lungs, xyz)
    noise = np.random.default_rng(SEED).normal(0.0, NOISE_HU, SHAPE)
    # Blurring first gives edges their partial volume; scanners do not blur their noise as much.
    blurred = gaussian_filter(hu, sigma=(0.4, 0.8, 0.8))
    array = np.clip(np.rint(blurred + noise), -1024, 3071).astype(np.int16)
    return Volume(
        array=array,
        geometry=Geometry(
            affine_lps=_affine_lps(), unit="mm", side_knowledge=SideKnowledge.FROM_FILE
        ),
        modality=Modality.CT,
        intensity_unit="HU",
        notices=(PHANTOM_NOTICE,),
    )


def phantom_lesions() -> np.ndarray:
    """Where the lesions lie: (40, 256, 256) bool; their rims are faint, as ground glass is."""
    xyz = _coordinates_mm()
    inside = np.zeros(SHAPE, dtype=bool)
    for centre, radius in LESIONS_MM:
        inside |= _ellipsoid(xyz, centre, (radius, radius, radius))
    return inside


def _with_lesions(hu: np.ndarray, lungs: np.ndarray, xyz: Axes) -> np.ndarray:
    """Fill the lesions, densest in the middle, and never outside the lungs."""
    for centre, radius in LESIONS_MM:
        squared = sum((axis - c) ** 2 for axis, c in zip(xyz, centre, strict=True))
        fullness = np.clip(1.4 * (1.0 - squared / radius**2), 0.0, 1.0)
        hu = np.where(lungs, hu + fullness * (GROUND_GLASS_HU - LUNG_HU), hu)
    return hu


def _affine_lps() -> np.ndarray:
    """(z, y, x, 1) index to (x, y, z, 1) in LPS, the block's middle at the origin."""
    affine = np.zeros((4, 4), dtype=np.float64)
    for index_axis, patient_axis in ((0, 2), (1, 1), (2, 0)):
        spacing = SPACING_ZYX_MM[index_axis]
        affine[patient_axis, index_axis] = spacing
        affine[patient_axis, 3] = -spacing * (SHAPE[index_axis] - 1) / 2
    affine[3, 3] = 1.0
    return affine


def _coordinates_mm() -> Axes:
    """x, y and z of every voxel's middle, shaped to broadcast to (Z, Y, X)."""
    z, y, x = (
        (np.arange(count) - (count - 1) / 2) * spacing
        for count, spacing in zip(SHAPE, SPACING_ZYX_MM, strict=True)
    )
    return x[None, None, :], y[None, :, None], z[:, None, None]


def _ellipsoid(xyz: Axes, centre: Triple, radii: Triple) -> np.ndarray:
    """Voxels inside an ellipsoid, (Z, Y, X) bool; an endless radius makes a cylinder of it."""
    inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip(xyz, centre, radii, strict=True))
    return np.asarray(inside) <= 1.0
