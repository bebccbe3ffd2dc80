"""Whatever is asked of the running process, by whomever, is answered as the contracts say and never with a 5xx.

Schemathesis draws good and bad requests from the contracts, up to thousands of an operation; they are sent to
`kapital up` on 127.0.0.1, the kinds of callers taking turns, each request once with the drawn ids and, where the path
names a thing, once with the id of one that exists.
The desk is one member of the staff with all its roles: what each by itself may do, the walk over all roles shows.
"""

from collections.abc import Iterator
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from kapital.kernel.problems import problem_codes
from kapital.platform.http.problems import transport_problem
from tests.contracts.documents import whole_contract
from tests.contracts.serving import Served
from tests.contracts.story import Story
from tests.waiting import NEVER_S

SEED = 20261124
REFUSALS = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
CALLERS = ("desk", "admin", "auditor", "investor", "issuer")
EXAMPLES = 8
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": SEED,
        # What is against the schema by its size is refused for its size, before it is read.
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        "generation": {"deterministic": True, "max-examples": EXAMPLES, "with-security-parameters": False},
        "phases": {
            "examples": {"enabled": True},
            "coverage": {"enabled": True, "unexpected-methods": []},
            "fuzzing": {"enabled": True},
        },
    }
)
schema = schemathesis.openapi.from_dict(whole_contract(), config=_CONFIG)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.fixture(scope="module")
def callers(story: Story) -> Iterator[str | None]:
    desk, *others = [*(story.tokens[who] for who in CALLERS), None]
    # Every second request: the others are mostly refused before what they say is read.
    return cycle([token for other in others for token in (desk, other)])


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_process_or_gets_an_answer_the_contract_does_not_know(
    case: Any, served: Served, story: Story, session: requests.Session, callers: Iterator[str | None]
) -> None:
    assert urlsplit(served.url).hostname == "127.0.0.1"
    token = next(callers)
    _ask(case, token, served, session, [*CHECKS, negative_data_rejection])
    there = {name: value for name, value in story.known.items() if name in (case.path_parameters or {})}
    if there:
        case.path_parameters.update(there)
        _ask(case, token, served, session, CHECKS)


def _ask(case: Any, token: str | None, served: Served, session: requests.Session, checks: list[Any]) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = case.call(base_url=served.url, session=session, headers=headers, timeout=NEVER_S)
    case.validate_response(response, checks=checks, headers=headers)
    if response.status_code >= 400 and "html" not in response.headers["content-type"][0]:
        told = response.json()
        assert told["status"] == response.status_code
        assert told["code"] in problem_codes() or transport_problem(told["code"]) is not None
        assert told["type"] == f"/problems/{told['code']}"
        assert told["instance"].endswith(response.headers["x-correlation-id"][0])
