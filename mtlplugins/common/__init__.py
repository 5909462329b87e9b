"""Helpers for every package: arguments, randomness, text, private names of PyTorch and MMEngine."""
