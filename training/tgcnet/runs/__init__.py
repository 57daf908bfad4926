"""What a fine-tuning run leaves in its folder, for whoever watches it. Knows no torch.

A run is a process of its own that outlives the window: it is followed, stopped and found again by
the files in its folder alone.
"""
