"""What stands behind the panel *TGC-Net: fine-tune*: a run is followed by the files it writes."""
