"""The printed decision: the same text, the same bytes, with no font of the machine."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import InvariantBroken
from kapital.tokenization.adapters.decision_pdf import TypstPrinter, blocks
from kapital.tokenization.domain.human_text import render
from kapital.tokenization.domain.human_words import bullets, escaped
from kapital.tokenization.domain.problems import DecisionMustBePrintable
from kapital.tokenization.domain.terms import decision_bytes, load_terms

FOLDER = Path(__file__).parents[2] / "examples" / "issues"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
SHA = "ab" * 32


def _example(name: str) -> bytes:
    return (FOLDER / f"{name}.yaml").read_bytes()


async def pdf(text: str, *, title: str = "Решение", at: datetime = AT) -> bytes:
    return await TypstPrinter().pdf(text, title=title, decision_sha256=SHA, made_at=at)


@pytest.mark.parametrize("example", EXAMPLES)
async def test_every_example_is_printed_and_twice_to_the_same_bytes(example: str) -> None:
    terms = load_terms(_example(example))
    text = render(terms, decision_sha256=sha256_hex(decision_bytes(terms)))

    first, second = await pdf(text, title=terms.title), await pdf(text, title=terms.title)

    assert first == second
    assert first.startswith(b"%PDF-1.7")


async def test_another_text_hash_or_instant_makes_other_bytes() -> None:
    one = await pdf("# Решение\n\nТекст.\n")

    assert await pdf("# Решение\n\nТекст!\n") != one
    assert await pdf("# Решение\n\nТекст.\n", at=datetime(2026, 11, 29, tzinfo=UTC)) != one
    other = await TypstPrinter().pdf("# Решение\n\nТекст.\n", title="Решение", decision_sha256="cd" * 32, made_at=AT)
    assert other != one


def test_nothing_of_the_text_is_lost_and_nothing_of_it_is_markup() -> None:
    text = "# Имя\n\n**Жирно** и `код` и \\#панацея \\*звезда\\* &lt;тег&gt; \\$x\\$\n\n- раз\n- два, `три`\n"

    found = blocks(text)

    assert [block["kind"] for block in found] == ["heading", "paragraph", "list"]
    assert "".join(span["text"] for span in found[1]["spans"]) == "Жирно и код и #панацея *звезда* <тег> $x$"
    assert [[span["kind"] for span in item] for item in found[2]["items"]] == [["text"], ["text", "code"]]


async def test_signs_of_the_setter_in_a_text_of_the_issuer_stay_signs() -> None:
    harmless = await pdf(escaped('#read("/etc/passwd") #import "@preview/x:1.0.0" $1$ @ref _a_ = b'))

    assert harmless.startswith(b"%PDF-")


@given(st.text("аЯ 09-+=.)(#*_`~[]{}<>|&\\!\"'$@:/;,?^%", min_size=1, max_size=40).filter(str.strip))
def test_whatever_an_issuer_writes_in_a_line_is_printed_as_it_stands(line: str) -> None:
    text = f"**{escaped(line)}** (X)\n\n{bullets(escaped(line), 'Сайт: ' + escaped(line))}\n\n{escaped(line)}\n"

    bold, listed, plain = blocks(text)

    def told(spans: list[dict[str, str]]) -> str:
        return "".join(span["text"] for span in spans)

    assert told(bold["spans"]) == f"{line.strip()} (X)"
    assert [told(item) for item in listed["items"]] == [line.strip(), f"Сайт: {line.strip()}"]
    assert told(plain["spans"]) == line.strip()


async def test_a_sign_without_a_glyph_is_named() -> None:
    with pytest.raises(DecisionMustBePrintable, match="日"):
        await pdf("日本\n")


@pytest.mark.parametrize("text", ["> цитата\n", "1. один\n", "![x](y)\n", "---\n", "<b>x</b>\n", "- а\n  - б\n"])
def test_what_the_house_never_writes_is_not_left_out_quietly(text: str) -> None:
    with pytest.raises(InvariantBroken):
        blocks(text)
