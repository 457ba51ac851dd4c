"""Stages on disk: what is done, what is out of date, and how to go on."""
