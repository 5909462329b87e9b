"""Affinity of the tasks of a model: how their gradients and losses act on each other."""
