"""The decision as a PDF: the same Russian text, set by typst with the fonts that come with it.

Standard: PDF/A-2u – made to be kept, every sign has its Unicode text and its glyph.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kapital.kernel.problems import InvariantBroken
from kapital.tokenization.domain.problems import DecisionMustBePrintable

TEMPLATE: Final = Path(__file__).with_name("decision.typ")
_STANDARD: Final = "a-2u"
_NO_GLYPH: Final = "could not be displayed"


class TypstPrinter:
    """Adapter of the port `DecisionPrinter`."""

    async def pdf(self, text: str, *, title: str, decision_sha256: str, made_at: datetime) -> bytes:
        """Set the text. One text, title and instant give the same bytes with one version of typst.

        Raises: DecisionMustBePrintable – a sign of the text is in none of the fonts.
        """
        return await asyncio.to_thread(_set, text, title, decision_sha256, made_at)


def _set(text: str, title: str, decision_sha256: str, made_at: datetime) -> bytes:
    at = made_at.astimezone(UTC).replace(microsecond=0)
    content = {
        "title": title,
        "sha256": decision_sha256,
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "blocks": list(blocks(text)),
    }
    try:
        made = typst.compile(
            _template(),
            font_paths=_fonts(),
            timestamp=at,
            sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
            pdf_standards=[_STANDARD],
        )
    except typst.TypstError as error:
        if _NO_GLYPH in str(error):
            raise DecisionMustBePrintable(str(error)[:500]) from error
        raise
    if not isinstance(made, bytes):
        raise InvariantBroken("a document is one file")
    return made


def blocks(text: str) -> list[dict[str, Any]]:
    """The Markdown of `human_text` as blocks: headings, paragraphs and flat lists of spans.

    Raises: InvariantBroken for any other Markdown: the house's text has no more, and nothing is left out quietly.
    """
    tokens = MarkdownIt("commonmark").parse(text)
    found: list[dict[str, Any]] = []
    items: list[list[dict[str, str]]] | None = None
    level = 0
    for token in tokens:
        match token.type:
            case "heading_open":
                level = int(token.tag.removeprefix("h"))
            case "bullet_list_open" if items is None:
                items = []
            case "bullet_list_close":
                found.append({"kind": "list", "items": items})
                items = None
            case "inline" if items is not None:
                items.append(_spans(token.children or ()))
            case "inline":
                kind = {"kind": "heading", "level": level} if level else {"kind": "paragraph"}
                found.append({**kind, "spans": _spans(token.children or ())})
            case "heading_close":
                level = 0
            case "paragraph_open" | "paragraph_close" | "list_item_open" | "list_item_close":
                pass
            case other:
                raise InvariantBroken(f"the text of a decision has no {other}")
    return found


def _spans(children: Sequence[Token]) -> list[dict[str, str]]:
    spans: list[dict[str, str]] = []
    strong = False
    for child in children:
        match child.type:
            case "text" | "text_special" | "entity":
                spans.append({"kind": "strong" if strong else "text", "text": child.content})
            case "softbreak":
                spans.append({"kind": "text", "text": " "})
            case "code_inline":
                spans.append({"kind": "code", "text": child.content})
            case "strong_open" | "strong_close":
                strong = child.type == "strong_open"
            case other:
                raise InvariantBroken(f"the text of a decision has no {other}")
    return spans


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


@cache
def _fonts() -> typst.Fonts:
    # Those of the package only: a font of the machine would make other bytes on another machine.
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
