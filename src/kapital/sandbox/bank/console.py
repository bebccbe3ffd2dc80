"""The console page: what lies at the bank, what was said, what the fault script did. Russian and English."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response, get
from litestar.params import Parameter
from sqlalchemy import text

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.money import format_rubles
from kapital.sandbox.bank import faults, journal
from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.console_texts import TEXTS
from kapital.sandbox.bank.shares import get_account

TEMPLATES: Final = Path(__file__).parent / "templates"
ROWS_MAX: Final = 50
MESSAGES_MAX: Final = 100
MESSAGES_READ: Final = 1_000
"""So many are read, because most of what is said all day is one question that was asked before."""
_INSTANT: Final = re.compile(r'"(?:at|\w+_at)":"[^"]*"')
_CSP: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

Language = Annotated[Literal["ru", "en"], Parameter(query="lang")]

_BENEFICIARIES: Final = text(
    """
    SELECT beneficiary_id, kind, scoring_reasons, scored_at, amount_kopecks, on_hold_kopecks FROM beneficiary
    ORDER BY amount_kopecks DESC, beneficiary_id LIMIT :limit
    """
)
_NOTICES: Final = text(
    "SELECT cursor, bank_id, amount_kopecks, purpose, credited_at FROM notice ORDER BY cursor DESC LIMIT :limit"
)
_PAYOUTS: Final = text(
    """
    SELECT reference, kind, amount_kopecks, bic, account, purpose, state, reason, received_at FROM payout
    ORDER BY received_at DESC, reference LIMIT :limit
    """
)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moscow"] = lambda at: f"{at.astimezone(MOSCOW):%d.%m.%Y %H:%M:%S}"
    made.filters["rubles"] = format_rubles
    made.filters["pretty"] = _pretty
    return made


def _pretty(body: str) -> str:
    """JSON with its levels shown; what is none, or was cut off, as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return body


def _folded(messages: Sequence[Any]) -> list[tuple[Any, int]]:
    """Messages with how often each was said: the same question with the same answer, again and again, is one line.

    Shape: newest first; of those that are alike the newest stands for all, in its place.
    """
    lines: list[tuple[Any, int]] = []
    places: dict[Any, int] = {}
    for one in messages:
        answer = _INSTANT.sub("", one.answer)  # an account as of now is told with its instant
        alike = (one.operation, one.target, one.request, one.status, answer, one.fault)
        if one.target.startswith("GET ") and alike in places:
            shown, times = lines[places[alike]]
            lines[places[alike]] = (shown, times + 1)
        else:
            places[alike] = len(lines)
            lines.append((one, 1))
    return lines


_ENVIRONMENT: Final = _environment()
_STYLE: Final = (TEMPLATES / "style.css").read_bytes()


@get("/", opt={"no_idempotency_key": True})
async def console_route(bank: SandboxBank, lang: Language = "ru") -> Response[str]:
    """The page."""
    now = bank.clock.now()
    limit = {"limit": ROWS_MAX}
    async with bank.database.connect() as conn:
        shown: dict[str, Any] = {
            "account": await get_account(conn, now),
            "beneficiaries": (await conn.execute(_BENEFICIARIES, limit)).all(),
            "notices": (await conn.execute(_NOTICES, limit)).all(),
            "payouts": (await conn.execute(_PAYOUTS, limit)).all(),
            "faults": await faults.progress(conn),
            "messages": _folded(await journal.latest(conn, MESSAGES_READ))[:MESSAGES_MAX],
        }
    page = _ENVIRONMENT.get_template("console.html").render(lang=lang, t=TEXTS[lang], now=now, **shown)
    headers = {"Content-Security-Policy": _CSP, "Content-Language": lang, "Cache-Control": "no-store"}
    return Response(page, media_type="text/html", headers=headers)


@get("/style.css", opt={"no_idempotency_key": True})
async def style_route() -> Response[bytes]:
    """The page's style sheet."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


CONSOLE_ROUTES: Final[tuple[Any, ...]] = (console_route, style_route)
