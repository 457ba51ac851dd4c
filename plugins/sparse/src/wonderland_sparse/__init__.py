"""Sparse dictionaries of the residual stream: what it is made of, and which part of that the model learned."""
