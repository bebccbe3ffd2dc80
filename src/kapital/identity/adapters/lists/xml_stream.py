"""Records of a large XML file of a list: the platform's reader, with the refusals of lists."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from kapital.identity.adapters.lists.reading import unreadable
from kapital.identity.domain.problems import ListFileTooLarge
from kapital.platform.xml_records import RECORD_BYTES_MAX, Node, XmlRefused
from kapital.platform.xml_records import records_of as platform_records_of

__all__ = ["Node", "records_of"]


def records_of(file: BinaryIO, *, roots: Iterable[str], records: Iterable[str]) -> Iterator[tuple[Node, Node]]:
    """Pairs (root with what stood before, record), in the order of the file.

    Raises: ListFileUnreadable for what is not well-formed, has another root or a document type; ListFileTooLarge.
    """
    try:
        yield from platform_records_of(file, roots=roots, records=records)
    except XmlRefused as refused:
        if refused.too_large:
            facts = {"bytes_max": RECORD_BYTES_MAX, "line": refused.line or 0}
            raise ListFileTooLarge(refused.why, facts) from refused
        raise unreadable(refused.why, line=refused.line) from refused
