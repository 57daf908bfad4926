"""A whole cohort: one table in, one mask and one record a study out, resumable.

:func:`tgcnet.cohort.segment_cohort.segment_cohort` is the entry. Nothing here imports torch or Dask
before a study is segmented.
"""
