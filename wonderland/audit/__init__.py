"""The memorisation audit: how much of the training text a model gives back, and to whom."""
