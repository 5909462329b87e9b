"""Proposal of a config for a folder that nobody has described."""

from .command import inspect_folder
from .guesses import Guess
from .propose import Part, Proposal, propose

__all__ = ["Guess", "Part", "Proposal", "inspect_folder", "propose"]
