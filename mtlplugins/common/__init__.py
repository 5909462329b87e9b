"""Helpers for every room: arguments, randomness, text, private names of PyTorch and MMEngine."""
