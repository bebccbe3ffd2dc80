"""A chart of a simulation as SVG: bars for the payments of a day, a line for what was received in all.

Own small SVG: bars and one line are less code than any charting library is to keep, and a page can show it as it is.
No text of the issuer goes in but the title, which is escaped.
"""

from collections import defaultdict
from datetime import date
from html import escape
from typing import Final

from kapital.kernel.money import format_rubles
from kapital.tokenization.domain.simulation.play import KIND_WORDS, Course

_WIDTH, _HEIGHT = 960, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 130, 20, 60, 60
_TITLE_MAX = 100
_LABELS_MAX = 12
_COLOURS: Final = {
    "coupon": "#2a78d6",
    "amortisation": "#1baf7a",
    "redemption": "#4a3aa7",
    "buyback": "#eda100",
    "put": "#e87ba4",
    "call": "#eb6834",
}
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_INK, _FAINT, _PAPER = "#222222", "#d8d8d8", "#ffffff"


def svg(course: Course, *, title: str) -> str:
    """The chart as one SVG document; payments that were never made are outlined, at the day they were due."""
    by_day: dict[date, list[tuple[str, int, bool]]] = defaultdict(list)
    for payment in course.payments:
        paid = payment.paid_on is not None
        by_day[payment.paid_on or payment.pay_by_on].append((payment.kind, payment.total_kopecks, paid))
    days = sorted(by_day)
    received = sum(payment.total_kopecks for payment in course.payments if payment.paid_on is not None)
    top = max(received, *(sum(kopecks for _, kopecks, _ in by_day[on]) for on in days), 1)
    parts = [*_frame(title, top), *_legend({payment.kind for payment in course.payments})]
    total, line = 0, []
    for index, on in enumerate(days):
        x = _x(index, len(days))
        parts += _bars(by_day[on], x, top, max(2.0, min(36.0, 0.6 * _plot_width() / len(days))))
        total += sum(kopecks for _, kopecks, paid in by_day[on] if paid)
        line.append(f"{x:.1f},{_y(total, top):.1f}")
        if index % (len(days) // _LABELS_MAX + 1) == 0:
            parts.append(_text(x, _HEIGHT - _BOTTOM + 20, f"{on:%d.%m.%Y}", anchor="middle"))
    parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="{_INK}" stroke-width="2"/>')
    return "\n".join([*parts, "</svg>", ""])


def _frame(title: str, top: int) -> list[str]:
    shown = escape(title[:_TITLE_MAX])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {_FONT}>',
        f"<title>{shown}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="{_PAPER}"/>',
        _text(_LEFT, 24, title[:_TITLE_MAX], size=16),
    ]
    for quarter in range(5):
        kopecks = top * quarter // 4
        y = _y(kopecks, top)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{_FAINT}"/>')
        parts.append(_text(_LEFT - 8, y + 4, format_rubles(kopecks, "ru"), anchor="end"))
    return parts


def _legend(kinds: set[str]) -> list[str]:
    parts, x = [], float(_LEFT)
    for kind in (kind for kind in _COLOURS if kind in kinds):
        parts.append(f'<rect x="{x:.0f}" y="36" width="12" height="12" fill="{_COLOURS[kind]}"/>')
        parts.append(_text(x + 18, 46, KIND_WORDS[kind]))
        x += 40 + 8 * len(KIND_WORDS[kind])
    parts.append(f'<line x1="{x:.0f}" y1="42" x2="{x + 14:.0f}" y2="42" stroke="{_INK}" stroke-width="2"/>')
    parts.append(_text(x + 20, 46, "выплачено всего"))
    return parts


def _bars(stack: list[tuple[str, int, bool]], x: float, top: int, width: float) -> list[str]:
    parts, below = [], 0
    for kind, kopecks, paid in stack:
        y, under = _y(below + kopecks, top), _y(below, top)
        colour = _COLOURS[kind]
        style = f'fill="{colour}"' if paid else f'fill="none" stroke="{colour}" stroke-dasharray="4 2"'
        parts.append(
            f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{under - y:.1f}" {style}/>'
        )
        below += kopecks
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{_INK}">{escape(text)}</text>'
    )


def _plot_width() -> int:
    return _WIDTH - _LEFT - _RIGHT


def _x(index: int, count: int) -> float:
    return _LEFT + _plot_width() * (index + 0.5) / count


def _y(kopecks: int, top: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * kopecks / top
