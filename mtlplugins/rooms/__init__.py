"""Rendered indoor scenes: a small ray caster with exact ground truth for every task."""
