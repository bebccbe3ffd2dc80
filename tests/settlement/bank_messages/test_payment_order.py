"""Payment orders: what a bank would refuse is refused before it is sent, field by field."""

import msgspec
import pytest
from hypothesis import given

from kapital.kernel.problems import Problem
from kapital.sandbox.bank.file_speech import speech_of
from kapital.settlement.adapters.bank_messages.client_bank_writer import write_orders
from kapital.settlement.adapters.bank_messages.order_files import order_file_of
from kapital.settlement.adapters.bank_messages.pain001 import write_pain001
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.domain.payment_order import (
    NAME_LENGTH_MAX,
    ORDERS_MAX,
    PURPOSE_LENGTH_MAX,
    PaymentOrder,
    faults_of,
    require_sendable,
)
from kapital.settlement.domain.tax_fields import TaxFields
from tests.settlement.bank_messages.values import BIC, DAY, NOW, OWN, TREASURY, account, orders

ORDER = PaymentOrder(
    reference="a1",
    number="17",
    drawn_on=DAY,
    amount_kopecks=100,
    payer=Party(name="Оператор", inn="7707083893", kpp="770701001", account=OWN, bic=BIC),
    payee=Party(name="Иванов Иван", inn="500100732259", account=account(2), bic=BIC),
    purpose="Выплата № 1 (НДС не облагается)",
)


def changed(field: str, value: object) -> PaymentOrder:
    party, _, name = field.rpartition("/")
    if party:
        return msgspec.structs.replace(
            ORDER, **{party: msgspec.structs.replace(getattr(ORDER, party), **{name: value})}
        )
    return msgspec.structs.replace(ORDER, **{name: value})


@given(orders)
def test_sound_orders_have_no_fault(order):
    assert faults_of(order) == []


@pytest.mark.parametrize(("form", "encoding"), [("iso20022", ""), ("1c", "Windows"), ("1c", "UTF-8")])
def test_the_longest_texts_that_pass_are_written_in_every_format(form, encoding):
    longest = changed("purpose", "Ж" * PURPOSE_LENGTH_MAX)
    for side in ("payer", "payee"):
        party = msgspec.structs.replace(getattr(longest, side), name="Ж" * NAME_LENGTH_MAX)
        longest = msgspec.structs.replace(longest, **{side: party})

    content = order_file_of(form, encoding).write(longest, created_at=NOW)

    [read_again] = speech_of(form, encoding).orders(content)
    assert read_again.payee.name == longest.payee.name


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("reference", "", "reference_malformed"),
        ("reference", "a" * 36, "reference_malformed"),
        ("reference", "платёж", "reference_malformed"),
        ("number", "000", "number_malformed"),
        ("number", "1234567", "number_malformed"),
        ("amount_kopecks", 0, "amount_out_of_range"),
        ("amount_kopecks", 2**53, "amount_out_of_range"),
        ("priority", 0, "priority_out_of_range"),
        ("priority", 6, "priority_out_of_range"),
        ("purpose_code", "9", "purpose_code_unknown"),
        ("uin", "1" * 21, "uin_malformed"),
        ("uin", "", "uin_malformed"),
        ("purpose", "", "text_malformed"),
        ("purpose", "   ", "text_malformed"),
        ("purpose", "a" * 211, "text_malformed"),
        ("purpose", "За «Ромашку»", "text_malformed"),
        ("purpose", "Оплата – аванс", "text_malformed"),
        ("purpose", "a\nb", "text_malformed"),
        ("payer/name", "a" * 141, "text_malformed"),
        ("payee/name", "", "text_malformed"),
        ("payee/inn", "500100732258", "inn_malformed"),
        ("payer/kpp", "77070100", "kpp_malformed"),
        ("payee/kpp", "770701001", "kpp_malformed"),
        ("payee/bic", "12345", "bic_malformed"),
        ("payee/account", account(2)[:-1] + "9", "account_key_must_match"),
        ("payee/account", OWN, "accounts_must_differ"),
        ("payee/correspondent_account", "30101810400000000226", "account_key_must_match"),
    ],
)
def test_each_fault_is_named_at_its_field(field, value, code):
    found = {(fault.pointer, fault.message.partition(":")[0]) for fault in faults_of(changed(field, value))}

    assert (f"/{field}", code) in found


TAX = msgspec.structs.replace(
    ORDER,
    payee=TREASURY,
    tax=TaxFields(payer_status="01", kbk="1" * 20, oktmo="0", evidence="0", period="0", doc_number="0", doc_date="0"),
)


@pytest.mark.parametrize(
    ("part", "change", "faults"),
    [
        ("tax", {}, []),
        ("tax", {"kbk": "0", "period": "ноябрь"}, ["/tax/kbk", "/tax/period"]),
        ("payee", {"inn": "", "kpp": ""}, ["/payee/inn", "/payee/kpp"]),
        ("payer", {"inn": ""}, ["/payer/inn"]),
        ("payee", {"correspondent_account": ""}, ["/payee/account"]),
        ("payee", {"account": account(2), "bic": BIC}, ["/payee/account", "/payee/correspondent_account"]),
    ],
)
def test_an_order_to_the_budget_names_the_treasury_and_every_field(part, change, faults):
    order = msgspec.structs.replace(TAX, **{part: msgspec.structs.replace(getattr(TAX, part), **change)})

    assert [fault.pointer for fault in faults_of(order)] == faults
    # The Treasury is paid by no other order: its account has no key.
    assert "/payee/account" in [fault.pointer for fault in faults_of(msgspec.structs.replace(TAX, tax=None))]


def test_an_order_that_is_malformed_is_written_in_no_format():
    for write in (
        lambda batch: write_pain001(batch, message_id="M", created_at=NOW),
        lambda batch: write_orders(batch, created_at=NOW),
    ):
        with pytest.raises(Problem) as refused:
            write([ORDER, changed("uin", "x")])
        assert refused.value.code == "payment_order_must_be_well_formed"
        assert [fault.pointer for fault in refused.value.errors] == ["/1/uin", ""]  # and one reference twice


@pytest.mark.parametrize("batch", [[], [ORDER] * (ORDERS_MAX + 1)])
def test_a_batch_has_bounds(batch):
    with pytest.raises(Problem):
        require_sendable(batch)
