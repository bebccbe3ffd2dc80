"""The console page: what lies at the bank, what was said, what the fault script did. Russian and English."""

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
    return made


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
            "messages": await journal.latest(conn, MESSAGES_MAX),
        }
    page = _ENVIRONMENT.get_template("console.html").render(lang=lang, t=TEXTS[lang], now=now, **shown)
    headers = {"Content-Security-Policy": _CSP, "Content-Language": lang, "Cache-Control": "no-store"}
    return Response(page, media_type="text/html", headers=headers)


@get("/style.css", opt={"no_idempotency_key": True})
async def style_route() -> Response[bytes]:
    """The page's style sheet."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


CONSOLE_ROUTES: Final[tuple[Any, ...]] = (console_route, style_route)
