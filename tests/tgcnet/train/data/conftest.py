"""The data sets of the tests of ``tgcnet.data``, here too."""

from tests.tgcnet.data.conftest import both_sides, make_set, paint

__all__ = ["both_sides", "make_set", "paint"]
