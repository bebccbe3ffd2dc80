"""Whatever a service tells in a whole story is a CloudEvent whose data is what the contract says."""

import json
from collections import Counter

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from kapital.contracts import custody, identity, registry, settlement, tokenization
from tests.contracts.documents import TELLERS, event_schemas, event_validator, required_fields
from tests.contracts.story import Story

# CloudEvents 1.0.2, section 3.1 and 3.2: what we use of it, and our extensions.
ENVELOPE = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "source", "specversion", "type", "subject", "time", "datacontenttype", "data"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "source": {"type": "string", "format": "uri-reference", "pattern": "^/kapital/[a-z]+$"},
            "specversion": {"const": "1.0"},
            "type": {"type": "string", "pattern": r"^kapital\.[a-z]+\.[a-z_]+\.v[1-9][0-9]*$"},
            "subject": {"type": "string", "minLength": 1, "maxLength": 200},
            "time": {"type": "string", "format": "date-time", "pattern": "Z$"},
            "datacontenttype": {"const": "application/json"},
            "data": {"type": "object"},
            "correlationid": {"type": "string", "minLength": 1},
            "causationid": {"type": "string", "minLength": 1},
            "aggregateversion": {"type": "integer", "minimum": 1},
        },
    },
    format_checker=FormatChecker(),
)
TYPES = {
    event: contract
    for module in (custody, identity, registry, settlement, tokenization)
    for event, contract in module.EVENT_TYPES.items()
}
NOT_IN_THIS_STORY = {
    "kapital.registry.representative_appointed.v1",  # everybody acts for themselves
    "kapital.registry.representative_ended.v1",
    "kapital.registry.mandate_changed.v1",  # nobody has a broker
    "kapital.identity.representative_identified.v1",
    "kapital.identity.certificate_ended.v1",
    "kapital.identity.kyc_expired.v1",  # nobody stays a year
    "kapital.identity.kyc_term_changed.v1",  # nobody's data are doubted
    "kapital.identity.kyc_referred.v1",  # nobody is of high risk
    "kapital.identity.measure_changed.v1",  # nobody stands in a list
    "kapital.registry.rule_book_accepted.v1",  # accepted with the application, no later one comes
    "kapital.tokenization.action_announced.v1",  # no option is used
    "kapital.tokenization.outcome_announced.v1",  # no payoff depends on an event
    "kapital.tokenization.substitute_announced.v1",  # no source is silent
    "kapital.tokenization.exchange_announced.v1",  # nobody defaults for good
    "kapital.tokenization.payout_delayed.v1",  # every issuer has the money
    "kapital.settlement.payouts_refused.v1",
    "kapital.settlement.dvp_settled.v1",  # nobody sells on
    "kapital.settlement.dvp_ended.v1",
}


def test_every_event_of_the_story_is_a_cloudevent_with_the_data_of_its_contract(story: Story) -> None:
    checks = {event: event_validator(event) for event in event_schemas()}

    for event in story.told:
        envelope = json.loads(event.to_json())
        ENVELOPE.validate(envelope)
        checks[event.type].validate(envelope["data"])
        msgspec.convert(event.data, TYPES[event.type])
        assert event.type.split(".")[1] == event.producer


def test_the_story_tells_every_kind_of_event_but_the_named_ones(story: Story) -> None:
    told = Counter(event.type for event in story.told)

    assert set(event_schemas()) - set(told) == NOT_IN_THIS_STORY
    assert {event.split(".")[1] for event in told} == set(TELLERS)


def test_event_ids_are_unique_and_long_results_come_in_parts(story: Story) -> None:
    ids = [event.id for event in story.told]

    assert len(ids) == len(set(ids))
    for event in story.told:
        assert all(len(value) <= 1000 for value in event.data.values() if isinstance(value, list))


def test_an_event_with_a_field_too_many_or_too_few_does_not_pass(story: Story) -> None:
    for event_type, event in {event.type: event for event in story.told}.items():
        check = event_validator(event_type)
        with pytest.raises(ValidationError):
            check.validate(event.data | {"surprise": 1})
        for name in required_fields(event_type):
            with pytest.raises(ValidationError):
                check.validate({key: value for key, value in event.data.items() if key != name})


def test_no_event_carries_a_name_or_a_taxpayer_number(story: Story) -> None:
    # The registry keeps names; a pseudonym is all that leaves it (152-FZ).
    forbidden = {"name", "inn", "full_name", "passport", "phone", "email"}
    allowed = {("kapital.tokenization.decision_published.v1", "name")}  # the name of a document

    def keys(node: object) -> set[str]:
        if isinstance(node, dict):
            return set(node) | {key for value in node.values() for key in keys(value)}
        return {key for value in node for key in keys(value)} if isinstance(node, list) else set()

    found = {(event.type, key) for event in story.told for key in keys(event.data) & forbidden}
    assert found - allowed == set()
