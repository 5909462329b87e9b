"""Page that predicts in the browser, without a server: ``mtlplugins export --to web``."""

from .write import write_page

__all__ = ["write_page"]
