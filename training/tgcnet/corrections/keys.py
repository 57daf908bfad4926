"""Salted hashes: they tell the ledger that two things are the same, and nobody else anything."""

import hashlib
import hmac
from dataclasses import dataclass, field

import numpy as np

from tgcnet.domain import Volume

KEY_DIGITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """The hashes of one ledger; another ledger's salt makes other ones of the same patient."""

    salt: bytes = field(repr=False)

    def of_image(self, volume: Volume) -> str:
        """The same for the same voxels in the same place."""
        # Adding zero makes -0.0 the 0.0 that it equals.
        place = (volume.geometry.affine_lps.astype("<f8") + 0.0).tobytes()
        return self._hash("image", _digest_of(volume.array) + place)

    def of_patient(self, volume: Volume) -> str:
        """The same for all images of a patient; where no file names one, for the same voxels."""
        if volume.patient_id:
            return self._hash("patient", volume.patient_id.encode())
        return self._hash("patient without a name", _digest_of(volume.array))

    def draw(self, purpose: str, index: int, num_choices: int) -> int:
        """A number below ``num_choices``, the same for the life of the ledger."""
        return int(self._hash(purpose, str(index).encode()), 16) % num_choices

    def _hash(self, purpose: str, content: bytes) -> str:
        message = purpose.encode() + b"\0" + content
        return hmac.new(self.salt, message, hashlib.sha256).hexdigest()[:KEY_DIGITS]


def _digest_of(array: np.ndarray) -> bytes:
    native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    digest = hashlib.sha256(f"{native.dtype.name} {native.shape}".encode())
    digest.update(native.data.cast("B"))
    return digest.digest()
