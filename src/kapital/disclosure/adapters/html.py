"""Renders the pages. Every value is escaped by the template engine; no page runs a script."""

from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined

from kapital.disclosure.adapters import wording
from kapital.disclosure.adapters.phrases import phrases
from kapital.disclosure.domain.states import MISSED, TROUBLED
from kapital.disclosure.queries.issue_list import IssueRows
from kapital.disclosure.queries.issue_page import IssuePage
from kapital.kernel.money import Language, format_rubles

_TONES: Final = {
    **dict.fromkeys(MISSED | {"cancelled"}, "missed"),
    **dict.fromkeys(TROUBLED, "trouble"),
    **dict.fromkeys(("placement_open", "held", "circulating", "redeemed"), "good"),
}


class HtmlPages:
    """The pages of one operator."""

    def __init__(self, operator_name: str) -> None:
        self._operator_name = operator_name
        self._templates = Environment(
            loader=PackageLoader("kapital.disclosure", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def issues(self, rows: IssueRows, lang: Language, before: UUID | None) -> str:
        """The list of issues."""
        path = "/disclosure/issues"
        query = f"&before={before}" if before else ""
        return self._render("issues.html", lang, path, query, rows=rows)

    def issue(self, page: IssuePage, lang: Language) -> str:
        """The page of one issue."""
        path = f"/disclosure/issues/{page.issue_id}"
        return self._render("issue.html", lang, path, "", page=page)

    def not_found(self, issue_id: str, lang: Language) -> str:
        """The page that says that no such issue is published."""
        return self._render("not_found.html", lang, f"/disclosure/issues/{quote(issue_id, safe='')}", "")

    def style_sheet(self) -> bytes:
        """The style sheet of all pages."""
        return files("kapital.disclosure").joinpath("static", "style.css").read_bytes()

    def _render(self, template: str, lang: Language, path: str, query: str, **values: Any) -> str:
        return self._templates.get_template(template).render(
            operator_name=self._operator_name,
            lang=lang,
            other_lang="en" if lang == "ru" else "ru",
            path=path,
            query=query,
            t=phrases(lang),
            money=lambda kopecks: format_rubles(kopecks, lang),
            count=lambda number: wording.count(number, lang),
            counted=lambda number, noun: wording.counted(number, noun, lang),
            moment=lambda at: wording.moment(at, lang),
            state_name=lambda state: wording.state_name(state, lang),
            tone=lambda state: _TONES.get(state, "plain"),
            right_name=lambda kind: wording.right_name(kind, lang),
            signer_name=lambda key_name: wording.signer_name(key_name, lang),
            payout_name=lambda kind: wording.payout_name(kind, lang),
            payout_state_name=lambda state: wording.payout_state_name(state, lang),
            timeline_text=lambda item: wording.timeline_text(item.kind, item.value, lang),
            missed=MISSED,
            troubled=TROUBLED,
            **values,
        )
