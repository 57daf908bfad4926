"""How good a model is on a folder: with its text, without it, and with a wrong one.

``score`` segments and compares, ``summary`` adds intervals, ``tables`` writes them down;
``calibration`` and ``pages`` are for looking closer.
"""
