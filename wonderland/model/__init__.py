"""The model: a GPT-2 style transformer with TransformerLens' hook points, its training, its sampling."""
