"""Randomness, text and data set helpers that every room may use."""
