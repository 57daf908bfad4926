"""Models on disk: a folder of ``manifest.json`` and ``weights.safetensors``, checked when loaded.

``manifest``, ``registry``, ``active`` and ``pretrained_record`` need no torch; ``load`` and
``switch`` do.
"""
