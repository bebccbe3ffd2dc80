"""Strict DER: the few shapes that signatures are made of, read and written.

Why not a library: the time-stamp and CMS readers at hand either take BER and re-encode what they read, or refuse
whole containers whose certificates stand unsorted, and none returns the exact bytes that were signed. Certificates,
revocation lists and OCSP answers are read by `cryptography`.

Form: X.690 8 and 10 (definite lengths, shortest form). Depth and size are bounded by the caller's limit on the input.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
UTF8: Final = 0x0C
SEQUENCE: Final = 0x30
SET: Final = 0x31
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
BOOLEAN: Final = 0x01

_LONG: Final = 0x80
_INDEFINITE: Final = 0x80
_HIGH_TAG: Final = 0x1F
_OID_BYTES_MAX: Final = 64
_LENGTH_BYTES_MAX: Final = 4
_OIDS_KEPT: Final = 1024


_new: Final = tuple.__new__
"""A Value without the call of its constructor."""


class NotDer(Exception):
    """The bytes are not the DER that was expected; the message tells where and why, never the bytes."""


class Value(NamedTuple):
    """One value: its tag byte, where it starts, where its content starts and ends within `source`."""

    source: bytes
    tag: int
    start: int
    content_start: int
    end: int

    @property
    def content(self) -> bytes:
        """The content without tag and length."""
        return self.source[self.content_start : self.end]

    @property
    def encoded(self) -> bytes:
        """The whole value as it stands in the source."""
        return self.source[self.start : self.end]

    def expect(self, tag: int) -> "Value":
        """This value, if it has the tag. Raises: NotDer."""
        if self.tag != tag:
            raise NotDer(f"tag {self.tag:#04x} at byte {self.start} where {tag:#04x} is due")
        return self

    def items(self, tag: int) -> list["Value"]:
        """The values inside, if this one has the tag. Raises: NotDer."""
        source, own, _, at, end = self
        if own != tag:
            self.expect(tag)
        found = []
        while at < end:
            # Nearly every value is short and named by one byte: an act has sixty of them.
            if at + 2 <= end and (length := source[at + 1]) < _LONG and source[at] & _HIGH_TAG != _HIGH_TAG:
                stop = at + 2 + length
                if stop <= end:
                    found.append(_new(Value, (source, source[at], at, at + 2, stop)))
                    at = stop
                    continue
            item = _value(source, at, end)
            found.append(item)
            at = item[4]
        return found

    def only(self, tag: int) -> "Value":
        """The one value inside. Raises: NotDer if there are none or several."""
        inside = self.items(tag)
        if len(inside) != 1:
            raise NotDer(f"{len(inside)} values at byte {self.start} where one is due")
        return inside[0]

    def oid(self) -> str:
        """The dotted form of an object identifier. Raises: NotDer."""
        return _dotted(self.source[self.content_start : self.end] if self.tag == OID else self.expect(OID).content)

    def integer(self) -> int:
        """The number in a shortest-form INTEGER. Raises: NotDer."""
        content = self.expect(INTEGER).content
        needless = len(content) > 1 and (content[0], content[1] >> 7) in ((0, 0), (0xFF, 1))
        if not content or needless:
            raise NotDer(f"number at byte {self.start} is not in its shortest form")
        return int.from_bytes(content, "big", signed=True)

    def instant(self) -> datetime:
        """UTCTime or GeneralizedTime ending in Z, as an aware instant. Raises: NotDer."""
        return _instant(self)


def read(source: bytes) -> Value:
    """The one value that these bytes are. Raises: NotDer, also for bytes left over."""
    value = _value(source, 0, len(source))
    if value.end != len(source):
        raise NotDer(f"{len(source) - value.end} bytes after the end")
    return value


def _value(source: bytes, start: int, limit: int) -> Value:
    if start + 2 > limit:
        raise NotDer(f"cut off at byte {start}")
    tag, length, at = source[start], source[start + 1], start + 2
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise NotDer(f"tag of several bytes at byte {start}")
    if length & _LONG:
        count = length & ~_LONG
        if length == _INDEFINITE or count > _LENGTH_BYTES_MAX or at + count > limit:
            raise NotDer(f"length at byte {start} is indefinite (BER), too long or cut off")
        length = int.from_bytes(source[at : at + count], "big")
        if length < _LONG or source[at] == 0:
            raise NotDer(f"length at byte {start} is not in its shortest form")
        at += count
    if at + length > limit:
        raise NotDer(f"value at byte {start} ends beyond what holds it")
    return Value(source, tag, start, at, at + length)


@lru_cache(maxsize=_OIDS_KEPT)
def _dotted(content: bytes) -> str:
    if not content or len(content) > _OID_BYTES_MAX or content[-1] & _LONG:
        raise NotDer("object identifier is empty, too long or cut off")
    arcs, arc, first = [], 0, True
    for byte in content:
        if first and byte == _LONG:
            raise NotDer("object identifier is not in its shortest form")
        arc, first = (arc << 7) | (byte & ~_LONG), not byte & _LONG
        if first:
            arcs.append(arc)
            arc = 0
    head = min(arcs[0] // 40, 2)
    return ".".join(map(str, [head, arcs[0] - 40 * head, *arcs[1:]]))


_YEAR_DIGITS: Final = {UTC_TIME: 2, GENERALIZED_TIME: 4}


def _instant(value: Value) -> datetime:
    text = value.content.decode("ascii", "replace")
    if value.tag not in _YEAR_DIGITS:
        raise NotDer(f"no time at byte {value.start}")
    years = _YEAR_DIGITS[value.tag]
    size = years + 11
    fraction = value.tag == GENERALIZED_TIME and len(text) > size and text[14:15] == "." and text[-2] != "0"
    if not (text.endswith("Z") and (len(text) == size or (fraction and len(text) <= size + 7))):
        raise NotDer(f"time at byte {value.start} is not in UTC with seconds")
    # Digits of other scripts are gone with the ASCII above.
    if not text.replace(".", "", 1)[:-1].isdigit():
        raise NotDer(f"time at byte {value.start} is no number")
    # Not strptime: it costs ten times as much, and each signature has half a dozen times.
    try:
        year, micros = int(text[:years]), int(text[size:-1].ljust(6, "0")) if fraction else 0
        month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(years, size - 1, 2))
        if value.tag == UTC_TIME:
            year += 2000 if year < 50 else 1900  # RFC 5280 4.1.2.5.1
        return datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
    except ValueError:
        raise NotDer(f"time at byte {value.start} does not exist") from None


# --- writing -----------------------------------------------------------------------------------------------


def wrap(tag: int, *contents: bytes) -> bytes:
    """One value with this tag around the contents."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content


def sequence(*contents: bytes) -> bytes:
    """SEQUENCE of the contents in this order."""
    return wrap(SEQUENCE, *contents)


def set_of(contents: Iterable[bytes]) -> bytes:
    """SET OF the contents in DER's order."""
    return wrap(SET, *sorted(contents))


def number(value: int) -> bytes:
    """INTEGER of any size, in its shortest form: -128 is one octet, as 127 is."""
    bits = (value if value >= 0 else ~value).bit_length()
    return wrap(INTEGER, value.to_bytes(bits // 8 + 1, "big", signed=True))


def octets(content: bytes) -> bytes:
    """OCTET STRING."""
    return wrap(OCTET_STRING, content)


def bits(content: bytes) -> bytes:
    """BIT STRING without unused bits."""
    return wrap(BIT_STRING, b"\0", content)


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER of its dotted form."""
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | _LONG)
        out += bytes(reversed(groups))
    return wrap(OID, bytes(out))


def utf8(text: str) -> bytes:
    """UTF8String."""
    return wrap(UTF8, text.encode())


def time(at: datetime) -> bytes:
    """UTCTime up to 2049, GeneralizedTime after it (RFC 5280 4.1.2.5); whole seconds."""
    if at.year < 2050:
        return wrap(UTC_TIME, at.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())
    return generalized_time(at)


def generalized_time(at: datetime) -> bytes:
    """GeneralizedTime of whole seconds."""
    return wrap(GENERALIZED_TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())
