"""A model at work: which device, one text and one volume in, a segmentation out."""
