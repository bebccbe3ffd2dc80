"""load_terms and decision_bytes: one text, one meaning, one byte form."""

import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.problems import Problem
from kapital.tokenization.domain.terms import (
    IssuanceTerms,
    Payoff,
    TermsMalformed,
    decision_bytes,
    json_schema,
    load_terms,
)
from kapital.tokenization.domain.terms_text import (
    BYTES_MAX,
    TermsAliasRefused,
    TermsDuplicateKey,
    TermsTooDeep,
    TermsTooLarge,
    TermsUnreadable,
    check_shape,
    plain_value,
)

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples" / "issues").glob("*.yaml"))
SCHEMA = ROOT / "contracts" / "terms" / "issuance_terms.schema.json"
GOOD = json.loads(decision_bytes(load_terms(EXAMPLES[0].read_bytes())))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
class TestExamples:
    def test_is_read_and_survives_its_own_byte_form(self, path: Path):
        terms = load_terms(path.read_bytes())

        content = decision_bytes(terms)

        assert load_terms(content) == terms
        assert decision_bytes(load_terms(content)) == content

    def test_has_the_bytes_that_any_rfc_8785_library_makes(self, path: Path):
        content = decision_bytes(load_terms(path.read_bytes()))

        assert rfc8785.dumps(json.loads(content)) == content

    def test_agrees_with_the_published_schema(self, path: Path):
        schema = json.loads(SCHEMA.read_text())

        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(plain_value(path.read_bytes()))

    def test_names_its_public_source_and_what_is_assumed(self, path: Path):
        text = path.read_text()

        assert "Public source:" in text
        assert "Assumed:" in text or "assumed" in text


def test_the_schema_file_is_the_schema_of_the_types():
    assert json.loads(SCHEMA.read_text()) == json_schema()


def test_all_payoffs_have_an_example():
    kinds = {type(load_terms(path.read_bytes()).payoff) for path in EXAMPLES}

    assert kinds == set(get_args(Payoff))


def test_one_instant_has_one_byte_form_whatever_its_offset():
    moscow = GOOD | {"placement_start_at": "2026-12-07T10:00:00+03:00"}
    utc = GOOD | {"placement_start_at": "2026-12-07T07:00:00Z"}

    assert decision_bytes(as_terms(moscow)) == decision_bytes(as_terms(utc))
    assert b'"placement_start_at":"2026-12-07T07:00:00Z"' in decision_bytes(as_terms(moscow))


def test_the_byte_form_never_changes():
    """Golden bytes of version 1: approvals and signatures hang on this hash. A new form is a new `format`."""
    content = decision_bytes(load_terms((Path(__file__).parent / "golden_terms_v1.yaml").read_bytes()))

    assert sha256(content).hexdigest() == (Path(__file__).parent / "golden_terms_v1.sha256").read_text().strip()


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "refused"),
        [
            (b"a" * (BYTES_MAX + 1), TermsTooLarge),
            (b"\xff", TermsUnreadable),
            (b"", TermsUnreadable),
            (b"a: [", TermsUnreadable),
            (b"a: 1\n---\nb: 2", TermsUnreadable),
            (b"? [a]\n: 1", TermsUnreadable),
            (b'a: "\\UFFFFFFFF"', TermsUnreadable),
            (b'{"a": }', TermsUnreadable),
            (b'{"a": "' + b'\\"' * 1000, TermsUnreadable),
            (b"- " * 40 + b"a", TermsTooDeep),
            (b"a: " + b"[" * 40, TermsTooDeep),
            (b'{"a": ' + b"[" * 100_000, TermsTooDeep),
            (b"a: &x 1\nb: 2", TermsAliasRefused),
            (b"a: *x", TermsAliasRefused),
            (b"a: !!python/name:os.system x", TermsAliasRefused),
            (b"a: !!str 1", TermsAliasRefused),
            (b"a: !!map {b: 1}", TermsAliasRefused),
            (b"*x : 1", TermsAliasRefused),
            (b"a: 1\nb: 2\na: 1", TermsDuplicateKey),
            (b'{"a": 1, "b": {"c": 1, "c": 1}}', TermsDuplicateKey),
            (b'{"\\ud800": 1, "\\ud800": 1}', TermsDuplicateKey),
            (b"[" + b"1," * 7000 + b"]", TermsTooLarge),
        ],
    )
    def test_refuses_a_text_that_cannot_be_trusted(self, data: bytes, refused: type[Problem]):
        with pytest.raises(Problem) as caught:
            load_terms(data)

        assert type(caught.value) is refused

    def test_points_at_every_bad_field_at_once(self):
        value = GOOD | {
            "code": "lower",
            "is_debt": "yes",
            "quantity_max": -1,
            "placement_start_at": "2026-12-07T10:00:00",
            "unknown/~field": 1,
            "collateral": [{"kind": "pawn", "provider": "x", "description": "y"}],
            "payoff": {**GOOD["payoff"], "rate": "1e5", "parts": [{"on": "2027-02-30", "principal_kopecks": 1}]},
            "redemption": [],
            "debt": {},
        }
        del value["title"]

        assert pointers(value) == {
            "/code",
            "/is_debt",
            "/quantity_max",
            "/placement_start_at",
            "/unknown~1~0field",
            "/collateral/0/kind",
            "/payoff/rate",
            "/payoff/parts/0/on",
            "/redemption",
            "/title",
            *(f"/debt/{name}" for name in DEBT_FIELDS),
        }

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"payoff": {"kind": "lottery"}}, "/payoff/kind"),
            ({"payoff": {"kind": 1}}, "/payoff/kind"),
            ({"payoff": {}}, "/payoff/kind"),
            ({"payoff": None}, "/payoff"),
            ({"payment_means": ["rub_money"] * 3}, "/payment_means"),
            ({"payment_means": "rub_money"}, "/payment_means"),
            ({"payment_means": ["gold"]}, "/payment_means/0"),
            ({"title": "two\nlines"}, "/title"),
            ({"title": "line\n"}, "/title"),
            ({"title": "   "}, "/title"),
            ({"legal_text": " \n "}, "/legal_text"),
            ({"legal_text": "zero\x00"}, "/legal_text"),
            ({"legal_text": "reversed \u202e text"}, "/legal_text"),
            ({"legal_text": "half \ud800 pair"}, "/legal_text"),
            ({"quantity_min": None}, "/quantity_min"),
            ({"quantity_min": True}, "/quantity_min"),
            ({"quantity_min": 10**13}, "/quantity_min"),
            ({"format": "kapital.issuance_terms.v2"}, "/format"),
            ({"placement_start_at": "0001-01-01T00:00:00+14:00"}, "/placement_start_at"),
            ({"placement_end_at": "9999-12-31T23:59:59-14:00"}, "/placement_end_at"),
            ({"placement_end_at": "2200-01-01T00:00:00Z"}, "/placement_end_at"),
        ],
    )
    def test_points_at_the_one_bad_field(self, changes: dict[str, Any], pointer: str):
        assert pointers(GOOD | changes) == {pointer}

    @pytest.mark.parametrize("number", ["0.18", "1e3", ".5", "-.inf", "0x10", "012", "1_000", "+5", "9" * 30, "NaN"])
    def test_no_number_becomes_a_float_on_the_way(self, number: str):
        text = EXAMPLES[0].read_text().replace("quantity_min: 300", f"quantity_min: {number}")

        with pytest.raises(TermsMalformed) as caught:
            load_terms(text.encode())

        assert [fault.pointer for fault in caught.value.errors] == ["/quantity_min"]

    @pytest.mark.parametrize("number", ["0.18", "1e3", "NaN", "-Infinity", "9" * 30])
    def test_nor_does_a_json_number(self, number: str):
        text = json.dumps(GOOD | {"quantity_min": "@"}).replace('"@"', number)

        with pytest.raises(TermsMalformed) as caught:
            load_terms(text.encode())

        assert [fault.pointer for fault in caught.value.errors] == ["/quantity_min"]

    def test_a_thousand_faults_are_answered_with_a_bounded_list(self):
        with pytest.raises(TermsMalformed) as caught:
            as_terms(GOOD | {f"field_{number}": 1 for number in range(1000)})

        assert len(caught.value.errors) == 200

    @pytest.mark.parametrize(
        "hostile",
        [
            b'{"a": "' + b'\\"' * 120_000,
            b'{"a": ' + b'"x ' * 80_000,
            b"a: " + b"b " * 120_000,
            b"a: '" + b"'' " * 80_000,
            b'a: "' + b"\\\\" * 120_000,
            b"#" * 250_000,
            b"a: |\n" + b" b\n" * 80_000,
            b"? " * 120_000,
            b"a" * 250_000 + b": 1",
            b"[" + b"a: b, " * 40_000,
            b"{}" * 100_000,
            b"---\n" * 60_000,
        ],
    )
    def test_a_hostile_text_costs_little_time(self, hostile: bytes):
        started = time.process_time()

        with pytest.raises(Problem):
            load_terms(hostile)

        assert time.process_time() - started < 60  # of the processor, which other work does not take

    @given(st.binary(max_size=200) | st.text("{}[]:,-?&*!|>'\"%@#ab1.\n\t \\", max_size=60).map(str.encode))
    def test_any_other_bytes_are_a_problem_and_never_a_crash(self, data: bytes):
        with pytest.raises(Problem):
            load_terms(data)


PLAIN_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**19)
    | st.text(max_size=3)
    | st.sampled_from(["0.1", "2027-03-14"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "on"]), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(sorted(GOOD)), PLAIN_VALUES)
def test_the_list_of_faults_is_empty_exactly_when_the_types_accept_the_value(field: str, new: Any):
    value = GOOD | {field: new}

    faults = check_shape(value, IssuanceTerms)

    assert (not faults) == accepted(value) or any("U+" in fault.message for fault in faults)


DEBT_FIELDS = (
    "is_debt_text",
    "obligations_unchangeable_text",
    "extinguished_if_issuer_holds_text",
    "uniform_terms_text",
    "performance_text",
    "payment_determination_text",
    "full_payment_before_issue",
)


def as_terms(value: Any) -> IssuanceTerms:
    return load_terms(json.dumps(value).encode())


def pointers(value: Any) -> set[str]:
    with pytest.raises(TermsMalformed) as caught:
        as_terms(value)
    found = [fault.pointer for fault in caught.value.errors]
    assert len(found) == len(set(found))
    return set(found)


def accepted(value: Any) -> bool:
    try:
        msgspec.convert(value, IssuanceTerms)
    except msgspec.ValidationError:
        return False
    return True
