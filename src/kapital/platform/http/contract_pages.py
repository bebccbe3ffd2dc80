"""The contracts as pages for people, in Russian and English, and as files for machines."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Redirect

from kapital.kernel.problems import Family, Problem, Retry, problem_codes
from kapital.platform.contract_files import contract_names, contracts_folder, load_contract
from kapital.platform.http.access import PUBLIC
from kapital.platform.http.contract_model import ContractPage, contract_page, in_russian
from kapital.platform.http.page_texts import TEXTS
from kapital.platform.http.problems import STATUS, transport_problem

TEMPLATES: Final = Path(__file__).parent / "templates"
_CSP: Final = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"

Language = Annotated[Literal["ru", "en"], Parameter(query="lang")]


class ContractNotFound(Problem):
    """No service has a contract of this name."""

    code = "contract_not_found"
    title = "No such contract"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class ProblemPageNotFound(Problem):
    """No problem has this code."""

    code = "problem_code_not_found"
    title = "No such problem code"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, lang: str, **values: Any) -> Response[str]:
    """A page of ours: strict content policy, no script, own style sheet."""
    page = _environment().get_template(template).render(lang=lang, t=TEXTS[lang], **values)
    headers = {"Content-Security-Policy": _CSP, "Content-Language": lang}
    return Response(page, media_type="text/html", headers=headers)


@get("/", opt=PUBLIC, status_code=303)
async def front_door() -> Redirect:
    """Who opens the bare address in a browser is led to what can be read there."""
    return Redirect("/contracts", status_code=303)


@get("/contracts", opt=PUBLIC, sync_to_thread=True)
def contract_index(lang: Language = "ru") -> Response[str]:
    """All contracts."""
    pages = [page for name in contract_names() if name != "common" and (page := _page(name, lang)) is not None]
    return render("contracts.html", lang, pages=pages)


@get("/contracts/{service:str}", opt=PUBLIC, sync_to_thread=True)
def contract(service: str, lang: Language = "ru") -> Response[Any]:
    """One contract as a page; with `.yaml` (`.events.yaml`) at its end, as the file itself."""
    if service == "style.css":
        css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
        return Response(css, media_type="text/css", headers={"Cache-Control": "max-age=3600"})
    if service.endswith(".yaml"):
        return _raw(service.removesuffix(".yaml"))
    known = service in contract_names()  # never a path of the caller's making
    page = _page(service, lang) if known else None
    if page is None:
        raise ContractNotFound
    return render("contract.html", lang, page=page, has_events=load_contract("events", service) is not None)


def _page(service: str, lang: Language) -> ContractPage | None:
    page = contract_page(service)
    # The parts that all contracts share are no service; nobody is led to them.
    return in_russian(page) if page is not None and lang == "ru" and service != "common" else page


def _raw(name: str) -> Response[bytes]:
    kind, service = ("events", name.removesuffix(".events")) if name.endswith(".events") else ("openapi", name)
    path = contracts_folder() / kind / f"{service}.yaml"
    if service not in contract_names() or not path.is_file():
        raise ContractNotFound
    return Response(path.read_bytes(), media_type="application/yaml")


@get("/problems/{code:str}", opt=PUBLIC, sync_to_thread=True)
def problem_page(code: str, lang: Language = "ru") -> Response[str]:
    """What a problem's code means: the target of `type` in every problem body."""
    if (problem := problem_codes().get(code)) is not None:
        doc = (problem.__doc__ or "").strip()
        shown = {"title": problem.title, "status": STATUS[problem.family], "retry": problem.retry, "doc": doc}
    elif (known := transport_problem(code)) is not None:
        status, title, retry = known
        shown = {"title": title, "status": status, "retry": retry, "doc": ""}
    else:
        raise ProblemPageNotFound
    return render("problem.html", lang, code=code, **shown)


CONTRACT_ROUTES: Final[tuple[Any, ...]] = (front_door, contract_index, contract, problem_page)
