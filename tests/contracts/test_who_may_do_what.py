"""Every route, asked by every role over HTTP, answers as the tables in `policies/examples` say.

A change that a role may make is asked about an object that does not exist: the policies answer before that is known.
"""

import pytest

from kapital.platform.access import current_policies
from kapital.platform.access.examples import examples_of
from tests.contracts.documents import SAFE, Operation, all_operations
from tests.contracts.serving import Served
from tests.contracts.story import DESK, STAND_ALONE, Story
from tests.contracts.test_access_over_http import GUARDED, NO_ID, example_of, path_of

LINES = examples_of(None)
STAFF = [*(role.value for role in DESK), *STAND_ALONE, "regulator"]
CLIENTS = ["investor", "issuer", "issuer_signatory", "nominee", "broker", "representative"]
"""Each with a token of this role, the issuer with that of its signatory beside it, as in life."""


# Asked by POST for the sake of a body or a key; what they compute or sign changes no record of anybody.
# Lists that a client reads only of an issue that it names.
OF_ONE_ISSUE = {"list_issue_proposals"}
ANSWERS_ONLY = {"prepare_act", "prepare_rule_book_act", "prepare_withdrawals_act", "sign_register_extract"}
ANSWERS_ONLY |= {"prepare_sbp_withdrawal_act", "prepare_mandate_act"}
# Asked of one wallet that the body names; that of the example is nobody's here.
OF_OWN_WALLET = {"request_sbp_top_up", "request_sbp_withdrawal"}


def test_every_operation_has_an_action_and_every_action_an_example() -> None:
    actions = current_policies().actions
    operations = {operation.body["operationId"]: operation for operation in all_operations()}

    assert operations.keys() <= actions.keys()
    assert {line.action for line in LINES} == actions.keys()
    for name, operation in operations.items():
        reads = operation.method in SAFE or name in ANSWERS_ONLY
        group = "public" if operation.is_public else "read" if reads else "change"
        assert actions[name] == group, name


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.label)
def test_each_role_is_answered_as_the_table_says(operation: Operation, served: Served, story: Story) -> None:
    lines = [line.allowed for line in LINES if line.action == operation.body["operationId"]]
    ever, always = frozenset.union(*lines), frozenset.intersection(*lines)
    nowhere = {p["name"]: NO_ID for p in operation.parameters if p["in"] == "path"}
    body = example_of(operation) if "requestBody" in operation.body else None
    named = {"issue_id": story.known["issue_id"]} if operation.body["operationId"] in OF_ONE_ISSUE else None
    own, theirs = body, None
    if operation.body["operationId"] == "place_orders" and body is not None:
        # A broker orders for principals; for itself it is an investor, too.
        theirs = body | {"orders": [order | {"for_participant_id": NO_ID} for order in body["orders"]]}

    for who in [*STAFF, *CLIENTS]:
        harmless = operation.method in SAFE or who not in ever
        path = path_of(operation, story) if harmless else operation.path.format(**nowhere)
        headers = {
            "Authorization": f"Bearer {story.tokens[who]}",
            "Idempotency-Key": f"walk-{operation.body['operationId']}-{who}",
        }
        body = theirs if who == "broker" and theirs is not None else own
        answer = served.web.request(operation.method, path, json=body, params=named, headers=headers)

        assert answer.status_code < 500, (who, answer.text)
        refused = answer.status_code == 403 and answer.json()["code"] == "not_permitted"
        if who not in ever:
            # A client learns of another's object no more than of one that is not there.
            assert refused or (who in CLIENTS and answer.status_code == 404), (who, answer.text)
        elif operation.body["operationId"] in OF_OWN_WALLET:
            assert refused, (who, answer.text)
        elif who in always:
            assert not refused, (who, answer.text)
        else:
            assert not refused or who in STAFF, (who, answer.text)
        if refused and who in CLIENTS:
            assert answer.json()["facts"] == {}
