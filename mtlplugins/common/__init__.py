"""Helpers that every room may use: arguments, randomness, text, private names of others."""
