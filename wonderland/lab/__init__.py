"""The microscope: a trained model as a specimen, and what analyses say about it."""
