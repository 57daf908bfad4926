"""Readers of data sets as they are published; each gives the same rows."""

from tgcnet.data.layouts.dataset import DataSet, Gap, Part
from tgcnet.data.layouts.detect import LAYOUTS, read_dataset, scan_dataset

__all__ = ["LAYOUTS", "DataSet", "Gap", "Part", "read_dataset", "scan_dataset"]
