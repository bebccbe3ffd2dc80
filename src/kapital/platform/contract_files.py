"""Where the contracts are: inside the installed package, or in the checkout."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import kapital


def contracts_folder() -> Path:
    """`kapital/_contracts` of a wheel, else `contracts/` of the repository; FileNotFoundError without both."""
    package = Path(kapital.__file__).parent
    for folder in (package / "_contracts", package.parent.parent / "contracts"):
        if (folder / "openapi").is_dir():
            return folder
    raise FileNotFoundError("the contracts are neither packaged nor in a checkout")


def contract_names() -> list[str]:
    """Services with an HTTP contract."""
    return sorted(path.stem for path in (contracts_folder() / "openapi").glob("*.yaml"))


@lru_cache(maxsize=64)
def load_contract(kind: str, service: str) -> dict[str, Any] | None:
    """A contract as plain values (do not change them); `kind` is `openapi` or `events`; None when there is none."""
    path = contracts_folder() / kind / f"{service}.yaml"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as stream:
        loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(stream)
    return loaded
