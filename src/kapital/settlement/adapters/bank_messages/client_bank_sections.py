"""1CClientBankExchange as sections of keys and texts: the encoding, the lines, what is out of place."""

from dataclasses import dataclass, field
from typing import BinaryIO, Final

from kapital.settlement.adapters.bank_messages.client_bank_keys import (
    ACCOUNT_END,
    ACCOUNT_KEYS,
    ACCOUNT_SECTION,
    DOCUMENT_END,
    DOCUMENT_KEYS,
    DOCUMENT_SECTION,
    ENCODINGS,
    END_OF_FILE,
    HEADER_KEYS,
    HEADER_REPEATED,
    STANDARD_ENCODINGS,
    TITLE,
)
from kapital.settlement.domain.bank_message import Deviations
from kapital.settlement.domain.problems import (
    BankMessageEncodingRefused,
    BankMessageTooLarge,
    BankMessageUnreadable,
)

BYTES_MAX: Final = 33_554_432
LINE_LENGTH_MAX: Final = 4_000
KEYS_MAX: Final = 200
_ENCODING_KEY: Final = "Кодировка="
_BOM: Final = "\ufeff"


@dataclass(slots=True)
class Section:
    """One section. Shape: first text of each key; `line` is where it begins; `title` of a document its kind."""

    title: str
    line: int
    texts: dict[str, str] = field(default_factory=dict)
    unknown: list[tuple[str, str]] = field(default_factory=list)

    def text(self, *keys: str) -> str:
        """The first text among these keys that is not blank."""
        return next((text for key in keys if (text := self.texts.get(key, "").strip())), "")


@dataclass(slots=True)
class Sections:
    """A whole file."""

    header: Section
    accounts: list[Section] = field(default_factory=list)
    documents: list[Section] = field(default_factory=list)
    named_accounts: list[str] = field(default_factory=list)


def sections_of(file: BinaryIO, deviations: Deviations) -> Sections:
    """The sections of a file of at most 32 MiB; each key that is unknown, twice, or out of place is reported.

    Raises: BankMessageUnreadable, BankMessageEncodingRefused, BankMessageTooLarge.
    """
    content = file.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise BankMessageTooLarge(facts={"bytes_max": BYTES_MAX})
    lines = _decoded(content, deviations).replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0].strip() != TITLE:
        raise BankMessageUnreadable(f"the first line is not {TITLE}", {"reason": "title", "line": 1})
    return _Sorting(deviations).sort(lines)


def _decoded(content: bytes, deviations: Deviations) -> str:
    """The text. The encoding is the one the file names; UTF-8 where its bytes are that and nothing else."""
    if b"\x00" in content or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BankMessageEncodingRefused("UTF-16 and binary files are not read", {"reason": "utf16"})
    named = _named(content)
    codec = ENCODINGS.get(named.lower(), "")
    if not named:
        deviations.report("Кодировка", "encoding_not_named")
        codec = "cp1251"
    elif not codec:
        raise BankMessageEncodingRefused("the encoding named is not read", {"reason": "unknown"})
    elif named not in STANDARD_ENCODINGS:
        deviations.report("Кодировка", "encoding_name_not_standard")
    if codec != "utf-8" and not content.isascii():
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            deviations.report("Кодировка", "encoding_is_utf8")
            return text.removeprefix(_BOM)
    try:
        return content.decode(codec).removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BankMessageEncodingRefused(
            "bytes that the encoding does not have", {"reason": "bytes", "line": line}
        ) from error


def _named(content: bytes) -> str:
    """The value of `Кодировка`, found in whichever encoding its key is written."""
    start = content[:8_192]
    for codec in ("cp1251", "utf-8", "cp866"):
        before, found, after = start.partition(_ENCODING_KEY.encode(codec))
        if found and (not before or before.endswith(b"\n")):
            return after.split(b"\n", 1)[0].decode("ascii", "replace").strip()
    return ""


class _Sorting:
    def __init__(self, deviations: Deviations) -> None:
        self._deviations = deviations
        self._found = Sections(Section("header", 1))
        self._open: Section = self._found.header
        self._ended = False

    def sort(self, lines: list[str]) -> Sections:
        for number, raw in enumerate(lines[1:], start=2):
            if len(raw) > LINE_LENGTH_MAX:
                raise BankMessageTooLarge("a line is too long", {"line": number, "limit": LINE_LENGTH_MAX})
            if not raw.strip():
                self._deviations.report(f"line {number}", "blank_line")
            elif self._ended:
                self._deviations.report(f"line {number}", "text_after_end", grave=True)
            else:
                self._take(raw, number)
        if not self._ended:
            self._deviations.report(f"line {len(lines)}", "end_of_file_missing", grave=True)
        if self._open is not self._found.header:
            self._deviations.report(f"line {self._open.line}", "section_not_closed")
        return self._found

    def _take(self, raw: str, number: int) -> None:
        line = raw.strip()
        key, equals, text = raw.partition("=")
        key = key.strip()
        if line == END_OF_FILE:
            self._ended = True
        elif line == ACCOUNT_SECTION:
            self._begin(Section(ACCOUNT_SECTION, number), self._found.accounts, number)
            if self._found.documents:
                self._deviations.report(f"line {number}", "account_after_documents")
        elif key == DOCUMENT_SECTION and equals:
            self._begin(Section(text.strip(), number), self._found.documents, number)
        elif line in {ACCOUNT_END, DOCUMENT_END}:
            self._close(line, number)
        elif not equals:
            self._deviations.report(f"line {number}", "line_without_key", grave=True)
        else:
            self._put(key, text, number)

    def _begin(self, section: Section, among: list[Section], number: int) -> None:
        if self._open is not self._found.header:
            self._deviations.report(f"line {number}", "section_not_closed")
        among.append(section)
        self._open = section

    def _close(self, line: str, number: int) -> None:
        expected = ACCOUNT_END if self._open.title == ACCOUNT_SECTION else DOCUMENT_END
        if self._open is self._found.header or line != expected:
            self._deviations.report(f"line {number}", "end_out_of_place")
        self._open = self._found.header

    def _put(self, key: str, text: str, number: int) -> None:
        section = self._open
        if section is self._found.header:
            known = HEADER_KEYS
            if self._found.accounts or self._found.documents:
                self._deviations.report(f"line {number}", "key_outside_section", grave=True)
                return
            if key == "РасчСчет":
                self._found.named_accounts.append(text.strip())
        else:
            known = ACCOUNT_KEYS if section.title == ACCOUNT_SECTION else DOCUMENT_KEYS
        if len(section.texts) + len(section.unknown) >= KEYS_MAX:
            raise BankMessageTooLarge("a section has too many keys", {"line": number, "limit": KEYS_MAX})
        if key not in known:
            self._deviations.report(f"line {number}", "key_unknown")
            section.unknown.append((key[:100], text.strip()))
        elif key not in section.texts:
            section.texts[key] = text
        elif section is not self._found.header or key not in HEADER_REPEATED:
            self._deviations.report(f"line {number}", "key_repeated", grave=section.texts[key] != text)
