"""A payment order (платёжное поручение) and the checks that it passes before a bank sees it.

Source: the rules of the Bank of Russia on payment orders ([M]); field lengths and the allowed characters are those
of УФЭБС 2021.1.0, which every Russian bank's own format must fit ([M] for the newest album).
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from kapital.kernel.problems import FieldFault
from kapital.kernel.requisites import account_is_valid, bic_is_valid, inn_is_valid, treasury_account_is_valid
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.domain.incoming import AMOUNT_KOPECKS_MAX
from kapital.settlement.domain.problems import PaymentOrderMalformed
from kapital.settlement.domain.tax_fields import TaxFields

NAME_LENGTH_MAX: Final = 140
"""УФЭБС takes 160 characters, ISO 20022 fewer: an order fits every format or goes in none."""
PURPOSE_LENGTH_MAX: Final = 210
REFERENCE_LENGTH_MAX: Final = 35
ORDERS_MAX: Final = 1_000
NO_UIN: Final = "0"

# Leaf types of УФЭБС: printable ASCII, Russian letters, №. So «», – and other typographic signs are refused.
_TEXT: Final = re.compile(r"[ ]*[!-~А-яЁё№][ -~А-яЁё№]*")
_REFERENCE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z/-]*")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_UIN: Final = re.compile(r"0|[0-9A-Z]{20}|[0-9A-Z]{25}")
_KPP: Final = re.compile(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}")
_FOREIGN_CODE: Final = re.compile(r"[0-9]{5}")
_PURPOSE_CODES: Final = frozenset({"", "1", "2", "3", "4", "5"})
_PERSON_ACCOUNTS: Final = ("40817", "40820", "423", "426")
"""Accounts of natural persons: their owner has no КПП."""


class PaymentOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One payment in roubles. `tax`: of a payment to the budget, whose payee is an account of the Treasury.

    Shape: `reference` is ours, the name under which the bank answers, unique for ever; `number` is the printed number
    of the day; `priority` the order of payments from an account (очередность), `purpose_code` field 20, `uin` 22.
    """

    reference: str
    number: str
    drawn_on: date
    amount_kopecks: int
    payer: Party
    payee: Party
    purpose: str
    priority: int = 5
    purpose_code: str = ""
    uin: str = NO_UIN
    tax: TaxFields | None = None


def faults_of(order: PaymentOrder) -> list[FieldFault]:
    """Everything that a bank would refuse about an order, field by field; empty when it may go.

    Shape: the message of a fault is a stable code, a colon, and the rule in words.
    """
    found: list[FieldFault] = []

    def require(holds: bool, field: str, code: str, detail: str) -> None:
        if not holds:
            found.append(FieldFault(f"/{field}", f"{code}: {detail}"))

    reference = order.reference
    require(
        len(reference) <= REFERENCE_LENGTH_MAX and _REFERENCE.fullmatch(reference) is not None,
        "reference",
        "reference_malformed",
        "1 to 35 Latin letters, digits, / and -",
    )
    require(
        _NUMBER.fullmatch(order.number) is not None and order.number.strip("0") != "",
        "number",
        "number_malformed",
        "one to six digits, not all zero",
    )
    require(
        0 < order.amount_kopecks <= AMOUNT_KOPECKS_MAX, "amount_kopecks", "amount_out_of_range", "above zero, exact"
    )
    require(order.priority in range(1, 6), "priority", "priority_out_of_range", "1 to 5")
    require(order.purpose_code in _PURPOSE_CODES, "purpose_code", "purpose_code_unknown", "empty or 1 to 5")
    require(uin_is_valid(order.uin), "uin", "uin_malformed", "0, or 20 or 25 digits or capital letters")
    require(purpose_is_writable(order.purpose), "purpose", "text_malformed", _TEXT_RULE)
    found.extend(_party_faults("payer", order.payer))
    found.extend(_party_faults("payee", order.payee, of_treasury=order.tax is not None))
    if order.tax is not None:
        found.extend(_tax_faults(order, order.tax))
    if order.payer.account == order.payee.account and order.payer.bic == order.payee.bic:
        found.append(FieldFault("/payee/account", "accounts_must_differ: payer and payee are one account"))
    return found


def name_is_writable(name: str) -> bool:
    """Whether an order may name a payer or payee so."""
    return _is_text(name, NAME_LENGTH_MAX)


def purpose_is_writable(purpose: str) -> bool:
    """Whether an order may say this of its purpose."""
    return _is_text(purpose, PURPOSE_LENGTH_MAX)


def uin_is_valid(uin: str) -> bool:
    """Whether a text has the form of an УИН, or is the 0 that stands for none."""
    return _UIN.fullmatch(uin) is not None


def kpp_is_valid(kpp: str) -> bool:
    """Whether a text has the form of a КПП."""
    return _KPP.fullmatch(kpp) is not None


def payer_faults(payer: Party) -> list[FieldFault]:
    """What is wrong with who pays, before any order is drawn."""
    return _party_faults("payer", payer)


def require_sendable(orders: Sequence[PaymentOrder]) -> None:
    """Refuse a batch if an order of it is malformed, or two have one reference.

    Raises: PaymentOrderMalformed with every fault and its place.
    """
    faults = [
        FieldFault(f"/{place}{fault.pointer}", fault.message)
        for place, order in enumerate(orders)
        for fault in faults_of(order)
    ]
    if not 0 < len(orders) <= ORDERS_MAX:
        faults.append(FieldFault("", f"batch_out_of_range: 1 to {ORDERS_MAX} orders"))
    if len({order.reference for order in orders}) != len(orders):
        faults.append(FieldFault("", "reference_repeated: two orders have one reference"))
    if faults:
        raise PaymentOrderMalformed(errors=faults)


_TEXT_RULE: Final = "printable ASCII, Russian letters and №, within the length, not blank"


def _is_text(text: str, length_max: int) -> bool:
    return len(text) <= length_max and _TEXT.fullmatch(text) is not None


def _tax_faults(order: PaymentOrder, tax: TaxFields) -> list[FieldFault]:
    """Who pays and who is paid have numbers of the tax office; the fields have their forms."""
    numbers = (
        ("payer/inn", order.payer.inn),
        ("payee/inn", order.payee.inn),
        ("payee/kpp", order.payee.kpp),
    )
    faults = [FieldFault(f"/{field}", "tax_number_missing: to the budget") for field, told in numbers if not told]
    return faults + [FieldFault(f"/tax/{name}", "tax_field_malformed: as 107н says") for name in tax.malformed()]


def _party_faults(side: str, party: Party, *, of_treasury: bool = False) -> list[FieldFault]:
    if of_treasury:
        account_fits = treasury_account_is_valid(
            party.account, bic=party.bic, single_account=party.correspondent_account
        )
    else:
        account_fits = account_is_valid(party.account, bic=party.bic)
    checks = (
        (_is_text(party.name, NAME_LENGTH_MAX), "name", "text_malformed", _TEXT_RULE),
        (_inn_fits(party.inn), "inn", "inn_malformed", "ИНН of 10 or 12 digits, КИО of 5, or nothing"),
        (_kpp_fits(party), "kpp", "kpp_malformed", "КПП of nine characters, of organisations only, or nothing"),
        (bic_is_valid(party.bic), "bic", "bic_malformed", "a БИК of nine digits"),
        (
            account_fits,
            "account",
            "account_key_must_match",
            "an account whose key fits its bank",
        ),
        (
            not party.correspondent_account or account_is_valid(party.correspondent_account, bic=party.bic),
            "correspondent_account",
            "account_key_must_match",
            "a correspondent account whose key fits the bank, or nothing",
        ),
    )
    return [FieldFault(f"/{side}/{field}", f"{code}: {detail}") for holds, field, code, detail in checks if not holds]


def _inn_fits(inn: str) -> bool:
    return (
        not inn
        or inn_is_valid(inn, legal_entity=True)
        or inn_is_valid(inn, legal_entity=False)
        or _FOREIGN_CODE.fullmatch(inn) is not None
    )


def _kpp_fits(party: Party) -> bool:
    if not party.kpp:
        return True
    is_person = len(party.inn) == 12 or party.account.startswith(_PERSON_ACCOUNTS)
    return not is_person and kpp_is_valid(party.kpp)
