"""An element as nested mappings, made in one pass: several times faster to ask than the element itself.

Shape: a name without namespace stands for its first element – a text if it has no elements within, else a mapping –;
`every` gives all of a name. A sum keeps its currency (`Sum.currency`).
"""

from collections.abc import Callable
from datetime import date
from typing import Any, Final, cast

from lxml import etree

Tree = dict[str, Any]
_NOTHING: Final[Tree] = {}
_NAMES_MAX: Final = 4_096
_names: dict[str, str] = {}


class Sum(str):  # noqa: SLOT000 - a str with slots of its own is not possible
    """The text of an amount with its currency."""

    currency: str

    def __new__(cls, text: str, currency: str) -> "Sum":
        """A text that remembers its currency."""
        one = super().__new__(cls, text)
        one.currency = currency
        return one


def name_of(element: etree._Element) -> str:
    """The name without its namespace. A process keeps 4,096 names, so that no file can fill its memory."""
    tag = element.tag
    if (name := _names.get(tag)) is None:
        name = str(tag).rpartition("}")[2] if isinstance(tag, str) else ""
        if len(_names) < _NAMES_MAX:
            _names[tag] = name
    return name


def tree_of(element: etree._Element, known: frozenset[str], report: Callable[[str], None]) -> Tree:
    """The element's content; each name that is not known is reported, and kept all the same."""
    found: Tree = {}
    for child in element:
        name = _names.get(child.tag) or name_of(child)
        if name not in known:
            report(name)
        value: Any
        if len(child):
            value = tree_of(child, known, report)
        elif (currency := child.get("Ccy")) is not None:
            value = Sum((child.text or "").strip(), currency)
        else:
            value = child.text or ""
        if name in found:
            found.setdefault(f"*{name}", [found[name]]).append(value)
        else:
            found[name] = value
    return found


def sub(tree: Tree, *path: str) -> Tree:
    """The first mapping at a path; an empty one if there is none."""
    found: Any = tree
    for name in path:
        found = found.get(name)
        if not isinstance(found, dict):
            return _NOTHING
    return cast("Tree", found)


def text(tree: Tree, *path: str) -> str:
    """The first text at a path, trimmed; empty if there is none."""
    found: Any = tree
    for name in path:
        if not isinstance(found, dict):
            return ""
        found = found.get(name)
    return found.strip() if isinstance(found, str) else ""


def every(tree: Tree, name: str) -> list[Any]:
    """All of a name, in order."""
    if name not in tree:
        return []
    return tree.get(f"*{name}") or [tree[name]]


def day_of(said: str) -> date | None:
    """The day of an ISO date or of the date in a date with time; None when it is neither."""
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        return None
