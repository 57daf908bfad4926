"""DICOM: headers to studies, frames to volumes, masks to segmentations; the extra ``dicom``."""
