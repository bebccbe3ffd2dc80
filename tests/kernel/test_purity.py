"""The kernel reads no clock, draws no lot, reads no file but its packaged data, imports nothing of ours."""

import ast
from importlib.resources import files

import pytest
from tests.sources import parsed

ALLOWED = {
    *("bisect", "collections", "csv", "dataclasses", "datetime", "decimal", "enum", "functools", "hashlib"),
    *("importlib", "re", "types", "typing", "unicodedata", "uuid", "zoneinfo", "msgspec"),
}
MODULES = sorted(
    (path for path in files("kapital.kernel").iterdir() if path.name.endswith(".py")),
    key=lambda path: path.name,
)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_imports_only_what_is_pure(module):
    for node in ast.walk(parsed(module)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        for name in names:
            assert name.startswith("kapital.kernel.") or name.split(".")[0] in ALLOWED, name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_calls_no_clock_and_no_floats(module):
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today", "uuid1", "uuid4", "open"}, ast.unparse(node)
        if isinstance(node, ast.Name):
            assert node.id not in {"float", "open"}, node.id
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), node.value


def test_every_data_file_has_its_source():
    data = files("kapital.kernel.data")
    sources = data.joinpath("SOURCES.md").read_text(encoding="utf-8")

    tables = [path.name for path in data.iterdir() if path.name.endswith(".csv")]

    assert tables
    assert all(f"| {name} |" in sources for name in tables)
