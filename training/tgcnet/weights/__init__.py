"""Models on disk: a folder of ``manifest.json`` and ``weights.safetensors``, checked when loaded.

``manifest`` and ``registry`` need no torch; ``load`` does.
"""
