"""Models on disk: a folder of ``manifest.json`` and ``weights.safetensors``, checked when loaded.

``manifest``, ``lineage``, ``registry`` and ``active`` need no torch; ``load`` and ``switch`` do.
"""
