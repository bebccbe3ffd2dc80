"""Deny by default: what the contract does not call public is told to nobody without a valid token."""

import json
from typing import Any

import pytest

from tests.contracts.documents import CONTRACTS, Operation, all_operations
from tests.contracts.serving import Served
from tests.contracts.story import Story

GUARDED = [operation for operation in all_operations() if not operation.is_public]
# The administrator's own work: staff and access tokens.
BUSINESS = [o for o in GUARDED if o.body.get("tags") != ["access"]]
SIGNED = {"take_in_bank_notice"}
"""Reached without a token, and let in by a signature over the body."""
PUBLIC = [
    operation for operation in all_operations() if operation.is_public and operation.body["operationId"] not in SIGNED
]
# Of a published issue everybody sees the decision, its text and price, and what is paid (259-FZ art. 3).
PUBLISHED = {"list_issues", "get_issue", "list_actions", "list_quotes", "get_decision_pdf"}
NO_ID = "01931c9e-8f20-7aaa-8def-0123456789ab"


def path_of(operation: Operation, story: Story) -> str:
    """The path with ids of things that exist, so that a refusal is about access and nothing else."""
    names = {p["name"] for p in operation.parameters if p["in"] == "path"}
    return operation.path.format(**{name: story.known.get(name, NO_ID) for name in names})


def example_of(operation: Operation) -> Any:
    path = CONTRACTS / "examples" / operation.service / f"{operation.body['operationId']}_request.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.label)
def test_without_a_valid_token_nothing_is_told(operation: Operation, served: Served, story: Story) -> None:
    path = path_of(operation, story)
    keyed = {"Idempotency-Key": "access"}
    revoked = {"Authorization": f"Bearer {story.tokens['desk'][:-1]}"}
    basic = {"Authorization": "Basic ZGVzazpkZXNr"}

    for headers, code in (({}, "access_token_required"), (revoked, "access_token_invalid"),
                          (basic, "access_token_required")):  # fmt: skip
        answer = served.web.request(operation.method, path, headers=keyed | headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("operation", PUBLIC, ids=lambda operation: operation.label)
def test_what_is_public_is_answered_without_a_token(operation: Operation, served: Served, story: Story) -> None:
    query = {"old": 1, "new": 2} if operation.path.endswith("consistency-proof") else {}

    answer = served.web.request(operation.method, path_of(operation, story), params=query)

    assert str(answer.status_code) in operation.success, answer.text
    promised = operation.response(operation.success[0])
    if "content" not in promised:
        assert answer.headers["location"] == promised["headers"]["Location"]["schema"]["const"]
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    assert {media_type, "*/*"} & set(promised["content"])


def test_a_call_back_is_refused_where_no_bank_is_known_by_a_key(served: Served) -> None:
    answer = served.web.post("/v1/settlement/bank-notices", json={})

    assert (answer.status_code, answer.json()["code"]) == (409, "bank_notices_not_awaited")


@pytest.mark.parametrize("operation", BUSINESS, ids=lambda operation: operation.label)
def test_an_administrator_of_access_has_no_business_rights(
    operation: Operation, served: Served, story: Story
) -> None:
    body = example_of(operation) if "requestBody" in operation.body else None
    headers = {"Authorization": f"Bearer {story.tokens['admin']}", "Idempotency-Key": "administrator"}

    answer = served.web.request(operation.method, path_of(operation, story), json=body, headers=headers)

    if operation.body["operationId"] in PUBLISHED:
        assert answer.status_code == 200
    else:
        assert answer.status_code in {403, 404}, answer.text
