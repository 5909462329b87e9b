"""Rendered indoor scenes: a small ray caster that knows every target exactly."""
