"""Reads the project's own sources for tests that look at how they are written."""

import ast
import gc
from importlib.resources.abc import Traversable
from pathlib import Path


def parsed(path: Path | Traversable) -> ast.Module:
    """The syntax tree of a module.

    A collection of garbage that runs code of Python's (a forgotten task tells its loop) makes the parser of CPython
    3.11 lose count of its depth, so none happens meanwhile.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()
