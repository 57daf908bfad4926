"""The panel *TGC-Net: fine-tune*; it follows a run by the files that the run writes."""
