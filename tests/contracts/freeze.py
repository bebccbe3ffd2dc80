"""Refresh the frozen shapes after an addition: `.venv/bin/python -m tests.contracts.freeze`.

Refuses a breaking change unless the contract's version has a new major number.
"""

import json
import sys
from pathlib import Path

from tests.contracts.documents import SERVICES, TELLERS
from tests.contracts.shape import Shape, breaks, event_shape, http_shape, is_new_major

FROZEN = Path(__file__).parent / "frozen"


def shapes() -> dict[str, Shape]:
    """All shapes by the name of their frozen file."""
    return {f"{service}.openapi": http_shape(service) for service in SERVICES} | {
        f"{teller}.events": event_shape(teller) for teller in TELLERS
    }


def written(shape: Shape) -> str:
    """As the file holds it: sorted, so that a change shows as few lines."""
    return json.dumps(shape, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Write what may be written; 1 when something may not."""
    FROZEN.mkdir(exist_ok=True)
    now, refused = shapes(), False
    for name, shape in now.items():
        path = FROZEN / f"{name}.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        if before is not None and (found := breaks(before, shape)) and not is_new_major(before, shape):
            sys.stderr.write(f"{name}: needs a new major version\n" + "".join(f"  {what}\n" for what in found))
            refused = True
            continue
        path.write_text(written(shape), encoding="utf-8")
    for path in FROZEN.glob("*.json"):
        if path.stem not in now:
            sys.stderr.write(f"{path.stem}: the contract is gone; remove its frozen file by hand\n")
            refused = True
    return int(refused)


if __name__ == "__main__":
    sys.exit(main())
