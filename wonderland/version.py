"""The version of wonderland: a module of its own, so that every floor can ask for it without the whole library."""

__version__ = "0.2.0"
