"""Every page in a real browser, wide and as narrow as a phone, in both languages: what a bank would be shown."""

import httpx
import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import OpenPage

WIDTHS = (1280, 390)
LANGUAGES = ("ru", "en")


@pytest.fixture(params=WIDTHS)
def page(open_page: OpenPage, request: pytest.FixtureRequest) -> Page:
    return open_page(request.param)


def addresses(site: str) -> list[str]:
    issues = httpx.get(f"{site}/v1/disclosure/issues", timeout=60).json()["items"]
    contracts = ("ledger", "registry", "identity", "tokenization", "settlement", "custody", "disclosure")
    return [
        "/contracts",
        *(f"/contracts/{name}" for name in contracts),
        "/disclosure/issues",
        *(f"/disclosure/issues/{issue['issue_id']}" for issue in issues),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_fits_its_window_and_the_browser_has_nothing_to_complain_of(
    site: str, page: Page, language: str
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))

    for address in addresses(site):
        answer = page.goto(f"{site}{address}?lang={language}")

        assert answer is not None
        assert answer.status == 200, address
        assert page.locator("html").get_attribute("lang") == language, address
        assert page.locator("h1").count() == 1, address
        assert page.title().strip(), address
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} is {wide} px wider than its window"
        assert "`" not in page.locator("main").inner_text(), f"{address} shows raw markup"
    assert complaints == []


def test_every_link_of_the_public_pages_leads_somewhere(site: str, open_page: OpenPage) -> None:
    page = open_page()
    seen: set[str] = set()
    for address in ("/contracts", "/disclosure/issues"):
        page.goto(f"{site}{address}?lang=ru")
        seen.update(page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"))
    inside = sorted(link.split("#")[0] for link in seen if link.startswith(site))

    assert inside
    for link in inside:
        assert httpx.get(link, follow_redirects=True, timeout=60).status_code == 200, link
