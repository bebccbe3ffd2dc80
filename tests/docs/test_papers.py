"""The papers are true to the code where a machine can tell."""

import importlib.util
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"


@cache
def generator() -> ModuleType:
    path = REPOSITORY / "tools" / "generate_docs.py"
    spec = importlib.util.spec_from_file_location("generate_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@cache
def source() -> str:
    return "\n".join(path.read_text() for path in sorted((REPOSITORY / "src").rglob("*.py")))


def papers() -> list[Path]:
    roots = [*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md"), *(REPOSITORY / "contracts").rglob("*.md")]
    return sorted(roots)


def names_of(paths: list[Path]) -> list[str]:
    return [path.relative_to(REPOSITORY).as_posix() for path in paths]


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- generated pages ---------------------------------------------------------------------------------------------


def test_generated_pages_say_what_the_code_says() -> None:
    made = generator().pages()

    assert names_of(list(generator().stale(made))) == [], "run tools/generate_docs.py"


def test_a_page_that_nothing_generates_any_more_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone.md").write_text("left over")
    monkeypatch.setattr(generator(), "OWNED_FOLDERS", (tmp_path,))

    assert tmp_path / "gone.md" in list(generator().stale({}))


def test_a_changed_page_is_stale_and_an_equal_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, missing = tmp_path / "page.md", tmp_path / "missing.md"
    page.write_text("as made")
    monkeypatch.setattr(generator(), "OWNED_FOLDERS", ())

    assert list(generator().stale({page: "as made"})) == []
    assert list(generator().stale({page: "otherwise", missing: ""})) == [page, missing]


def test_every_state_machine_and_every_problem_has_its_place() -> None:
    made = generator().pages()
    states = {path.stem for path in made if path.parent.name == "states"}
    index = made[DOCS / "reference" / "problems" / "README.md"]

    assert {"issue", "subscription_order", "corporate_action", "participant", "key", "withdrawal"} <= states
    codes = set(re.findall(r'^    code = "([a-z0-9_]+)"$', source(), re.MULTILINE))
    assert {code for code in codes if f"`{code}`" not in index} == set()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Scenario 7.", {7}),
        ("Scenarios 1–3, 7, 10-11 of the page", {1, 2, 3, 7, 10, 11}),
        ("scenarios 4 and 6", {4, 6}),
        ("Scenarios 21 (first mode), 22, 24 (over HTTP) and 49 for orders", {21, 22, 24, 49}),
        ("Scenario 5 (in 2 parts, 3 of 4)", {5}),
        ("scenario seven; 12 times", set()),
    ],
)
def test_cited_scenarios_are_read_as_a_person_reads_them(text: str, numbers: set[int]) -> None:
    assert generator().scenario_numbers(text) == numbers


def test_every_scenario_has_a_row_and_no_test_cites_one_that_is_not_there() -> None:
    page = generator().scenarios_page()
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    cited = {number for path in generator().test_files() for number in generator().scenario_numbers(path.read_text())}

    assert listed == set(range(1, 71))
    assert cited - listed == set()


# --- links -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", papers(), ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            lost.append(target)

    assert lost == []


# The law map repeats lines of the code, which name files from where they stand.
@pytest.mark.parametrize(
    "page",
    [page for page in papers() if page.name != "law-map.md"],
    ids=lambda path: path.relative_to(REPOSITORY).as_posix(),
)
def test_files_named_in_a_page_exist(page: Path) -> None:
    # A path is meant from the repository, from the package, from one service, or from the folder of papers.
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|sql|yaml|md|json|toml))`", page.read_text())
    package = REPOSITORY / "src" / "kapital"
    roots = (REPOSITORY, package, DOCS, page.parent, *package.iterdir())

    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


@pytest.mark.parametrize("folder", [path for path in DOCS.rglob("*") if path.is_dir()], ids=lambda p: p.name)
def test_every_page_is_reached_from_another(folder: Path) -> None:
    linked = set()
    for page in papers():
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if not re.match(r"[a-z]+:", target):
                linked.add((page.parent / target).resolve())

    assert [path.name for path in folder.glob("*.md") if path.resolve() not in linked] == []


# --- law ---------------------------------------------------------------------------------------------------------


def test_every_law_line_names_an_act_of_the_list() -> None:
    known = generator().laws()
    strange = [
        (citation.path, citation.text, unknown)
        for citation in generator().citations()
        if (unknown := generator().unknown_acts(citation, known))
    ]

    assert strange == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("259-FZ art. 4", []),
        ("259-FZ art. 4; 999-FZ art. 1", ["999-FZ"]),
        ("good custom of merchants", [""]),
        ("RFC 9162, 2.1.1", []),
        ("RFC 1, 2", ["RFC 1"]),
    ],
)
def test_a_citation_of_an_act_outside_the_list_is_noticed(text: str, unknown: list[str]) -> None:
    citation = generator().Citation("anywhere.py", text)

    assert generator().unknown_acts(citation, generator().laws()) == unknown


def test_no_act_is_called_confirmed_without_a_lawyer_and_each_says_what_was_read() -> None:
    for key, act in generator().laws().items():
        assert set(act) <= {"title_ru", "title_en", "cited_as", "text_date", "confidence", "note"}, key
        assert act["confidence"] in {"found", "recalled", "doubtful"}, key
        assert act["text_date"], key


def test_sections_of_the_domain_page_that_the_code_cites_exist() -> None:
    headings = set(
        re.findall(r"^#+ (\d+(?:\.\d+)*)\.? ", (DOCS / "reference" / "domain.md").read_text(), re.MULTILINE)
    )
    cited = {number.rstrip(".") for number in re.findall(r"domain\.md (\d+(?:\.\d+)*)", source())}

    assert cited
    assert cited - headings == set()


def test_sections_of_the_architecture_page_that_the_code_cites_exist() -> None:
    headings = set(re.findall(r"^## (\d+)\. ", (REPOSITORY / "ARCHITECTURE.md").read_text(), re.MULTILINE))

    assert set(re.findall(r"architecture\.md (\d+)", source())) - headings == set()


# --- reference kept by hand --------------------------------------------------------------------------------------


def test_each_dependency_has_one_line_of_reason_and_none_is_left_over() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    text = (DOCS / "reference" / "dependencies.md").read_text()
    _, to_run, to_develop, to_screen, *_ = re.split(r"^## ", text, flags=re.MULTILINE)

    def package(requirement: str) -> str:
        return re.split(r"[\[><=~! ;]", requirement, maxsplit=1)[0]

    for section, requirements in (
        (to_run, project["project"]["dependencies"]),
        (to_develop, project["dependency-groups"]["dev"]),
        (to_screen, project["project"]["optional-dependencies"]["screening"]),
    ):
        rows = re.findall(r"^\| `([^`]+)` \| (\S.*?) \|", section, re.MULTILINE)
        assert sorted(name for name, _ in rows) == sorted(package(requirement) for requirement in requirements)


def test_ledger_refusals_are_those_that_the_ledger_can_answer() -> None:
    folder = REPOSITORY / "src" / "kapital" / "ledger" / "domain"
    text = "\n".join((folder / name).read_text() for name in ("account.py", "book.py", "freeze.py", "plan.py"))
    made = set(re.findall(r"Refusal\(\s*\"([a-z_]+)\"", text)) | set(
        re.findall(r"Refused\(\s*tx\.id, \"([a-z_]+)\"", text)
    )
    made |= {f"account_{side}_stopped" for side in ("debits", "credits") if 'f"account_{side}_stopped"' in text}
    made |= {f"wallet_{side}_frozen" for side in ("debits", "credits") if 'f"wallet_{side}_frozen"' in text}
    page = (DOCS / "reference" / "ledger-refusals.md").read_text()

    assert set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)) == made


def test_names_of_the_glossary_are_names_of_the_code() -> None:
    text = (DOCS / "reference" / "glossary.md").read_text().split("## Names kept")[0]
    names = [
        name
        for row in re.findall(r"^\|[^|]*\|([^|]*)\|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    ]
    names = [re.split(r" ", name)[0] for name in names]

    assert len(names) > 50
    assert [name for name in names if not re.search(rf"(?<![A-Za-z]){name}(?![A-Za-z])", source())] == []


def test_metrics_and_log_events_of_the_runbooks_exist() -> None:
    text = "\n".join(path.read_text() for path in (DOCS / "runbooks").glob("*.md"))
    metrics = set(re.findall(r"\bkapital_[a-z_]+", text)) - {"kapital_settlement"}
    events = set(re.findall(r"`((?:app|bus|settlement|bank)\.[a-z_]+)`", text))

    assert metrics
    assert events
    assert [name for name in sorted(metrics) if f'"{name.removesuffix("_total")}' not in source()] == []
    assert [name for name in sorted(events) if f'"{name}"' not in source()] == []


def test_codes_of_the_pages_are_codes_of_the_code() -> None:
    known = set(re.findall(r'"([a-z0-9_]+)"', source()))
    for page in [
        *(DOCS / "runbooks").glob("*.md"),
        *(DOCS / "explanation").glob("*.md"),
        *(DOCS / "how-to").rglob("*.md"),
    ]:
        if page.name == "law-map.md":
            continue
        named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+){2,})`", page.read_text()))
        # Findings of the check are named after the table or column: f"{table}_differs".
        strange = [name for name in named if name.removesuffix("_differs") not in known and name not in source()]
        assert strange == [], page.name


# --- commands ----------------------------------------------------------------------------------------------------


def test_make_targets_named_in_the_papers_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in papers()
        for block in re.findall(r"```\n(.*?)```|`([^`\n]+)`", page.read_text(), re.DOTALL)
        for target in re.findall(r"(?:^|\n)make ([a-z-]+)", "\n".join(block))
    }

    assert {"demo", "test", "run"} <= named
    assert named - targets == set()


def test_addresses_named_in_the_papers_stand_in_a_contract() -> None:
    contracts = [
        file for folder in ("openapi", "outside") for file in (REPOSITORY / "contracts" / folder).glob("*.yaml")
    ]
    known = {path for file in contracts for path in re.findall(r"^  (/[^:\n]*):", file.read_text(), re.MULTILINE)}
    named = {
        address
        for page in papers()
        for address in re.findall(r"(?:GET|POST|8080) ?(/[a-z0-9_/{}.-]*[a-z0-9_/}])", page.read_text())
    }

    assert len(named) > 5
    assert named - known == set()


def test_commands_named_in_the_papers_exist() -> None:
    from kapital.cli import app

    groups = "bank|bench|dead-letters|evidence|hold|ledger|policy|registry|screening|signature"
    named = {
        tuple(words.split())
        for page in papers()
        for block in re.findall(r"```\n(.*?)```|`([^`\n]+)`", page.read_text(), re.DOTALL)
        for words in re.findall(rf"(?:^|[\n/])kapital ((?:(?:{groups}) )*[a-z][a-z-]*)", "\n".join(block))
    }

    assert ("verify",) in named
    for words in sorted(named):
        command = app
        for word in words:
            assert word in list(command), f"kapital {' '.join(words)}"
            command = command[word]


def test_the_hooks_run_the_locked_tools_and_fetch_nothing() -> None:
    text = (REPOSITORY / ".pre-commit-config.yaml").read_text()

    assert re.findall(r"- repo: (.+)", text) == ["local"]
    entries = re.findall(r"entry: (.+)", text)
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    assert {entry.split("/")[2].split()[0] for entry in entries} == {"ruff", "mypy", "lint-imports", "python"}
