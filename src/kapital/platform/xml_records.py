"""Records of an XML file from outside, one by one, by expat of the standard library.

Hardened: a document type is refused at its first sign, so there are no entities to expand and nothing to fetch;
depth, text of a record and attributes are bounded. Only one record is in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from xml.parsers import expat

RECORD_BYTES_MAX: Final = 8_388_608
"""Text and attributes of one record, each element counted with 64 bytes."""
DEPTH_MAX: Final = 64
_CHUNK: Final = 262_144


class XmlRefused(Exception):
    """The file is not XML of the form that is read. Shape: `line` where it is known; callers make it a problem."""

    def __init__(self, why: str, *, line: int | None = None, too_large: bool = False) -> None:
        super().__init__(why)
        self.why, self.line, self.too_large = why, line, too_large


@dataclass(slots=True)
class Node:
    """An element: name without namespace, attributes, text, children; of a record, the element it stands in."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    children: list["Node"] = field(default_factory=list)
    within: str = ""

    @property
    def text(self) -> str:
        """The element's own text, trimmed."""
        return "".join(self.parts).strip()

    def all(self, *path: str) -> Iterator["Node"]:
        """Every element at a path of names below this one."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def texts(self, *path: str) -> list[str]:
        """The texts at a path, empty ones left out."""
        return [text for node in self.all(*path) if (text := node.text)]

    def first(self, *path: str) -> str:
        """The first text at a path, empty if there is none."""
        return next(iter(self.texts(*path)), "")


class _Builder:
    def __init__(self, roots: frozenset[str], records: frozenset[str]) -> None:
        self._roots, self._records = roots, records
        self._depth = 0
        self._open: list[Node] = []
        self._path: list[str] = []
        self._size = 0
        self.done: list[Node] = []
        self.root: Node | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype

    @property
    def line(self) -> int:
        return self.parser.CurrentLineNumber

    def _doctype(self, *_: object) -> None:
        raise XmlRefused("a document type is not read: it may hold entities", line=self.line)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise XmlRefused("elements are nested too deeply", line=self.line)
        node = Node(_local(tag), {_local(key): value for key, value in attributes.items()})
        node.within = self._path[-1] if self._path else ""
        self._path.append(node.name)
        if self._depth == 1:
            self.root = node
            if node.name not in self._roots:
                raise XmlRefused(f"the root element is {node.name[:60]}, not one of {', '.join(sorted(self._roots))}")
            return
        if self._open or node.name in self._records:
            self._count(sum(map(len, attributes.values())))
            if self._open:
                self._open[-1].children.append(node)
            self._open.append(node)
        elif self.root is not None and self._depth == 2 and len(self.root.children) < 100:
            self.root.children.append(node)  # what stands before the records: dates, numbers

    def _text(self, text: str) -> None:
        if self._open:
            self._count(len(text))
            self._open[-1].parts.append(text)
        elif self._depth == 2 and self.root is not None and self.root.children:
            self._count(len(text))
            self.root.children[-1].parts.append(text)

    def _count(self, size: int) -> None:
        self._size += size + 64
        if self._size > RECORD_BYTES_MAX:
            raise XmlRefused("one entry is too large", line=self.line, too_large=True)

    def _end(self, _: str) -> None:
        self._depth -= 1
        self._path.pop()
        if self._open:
            node = self._open.pop()
            if not self._open:
                self._size = 0
                self.done.append(node)


def _local(tag: str) -> str:
    return tag.rpartition(" ")[2]


def records_of(file: BinaryIO, *, roots: Iterable[str], records: Iterable[str]) -> Iterator[tuple[Node, Node]]:
    """Pairs (root with what stood before, record), in the order of the file.

    Raises: XmlRefused for what is not well-formed, has another root, a document type or a record that is too large.
    """
    builder = _Builder(frozenset(roots), frozenset(records))
    try:
        while chunk := file.read(_CHUNK):
            builder.parser.Parse(chunk, False)
            yield from _taken(builder)
        builder.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise XmlRefused(f"not well-formed: {expat.ErrorString(error.code)}", line=error.lineno) from error
    except (LookupError, ValueError) as error:  # An encoding that nobody knows.
        raise XmlRefused(f"the encoding is not known: {error}") from error
    yield from _taken(builder)


def _taken(builder: _Builder) -> Iterator[tuple[Node, Node]]:
    done, builder.done = builder.done, []
    for node in done:
        if builder.root is not None:
            yield builder.root, node
