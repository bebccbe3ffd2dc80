"""The checklist (проверочный лист) of the operator's review: what a person has looked at and found in order.

Law: 259-FZ art. 3 part 1 – its items are those of the mandatory content (domain.md 1.2; numbers are [M]) – and
466-FZ; domain.md 1.3 (legal and compliance check before the issuer signs). A machine has found no fault by then: the
list is what only a person can judge.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from kapital.tokenization.domain.fault_rule import ART_3, DEBT
from kapital.tokenization.domain.problems import ReviewNeedsEveryItem
from kapital.tokenization.domain.terms import IssuanceTerms


class Item(NamedTuple):
    """One question of the list."""

    code: str
    ru: str
    en: str
    basis: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer says of one item; `note` tells what is wrong, or what was looked at."""

    item: str
    holds: bool
    note: str | None = None


_ITEMS: Final = (
    Item(
        "issuer",
        "сведения об эмитенте совпадают с ЕГРЮЛ (ЕГРИП) и с его делом, сайт принадлежит ему",
        "the issuer's data are those of the state register and of its file, the site is its own",
        ART_3 + "1",
    ),
    Item(
        "issuer_admitted",
        "эмитент идентифицирован, проверен по перечням, ограничений на операции нет",
        "the issuer is identified and screened, and under no measure",
        "115-ФЗ ст. 7",
    ),
    Item("operator", "сведения об операторе верны", "the operator's data are right", ART_3 + "2"),
    Item(
        "rights",
        "вид и объём прав в тексте – те же, что в машинных условиях выплат",
        "kind and volume of the rights in the text are those of the machine terms",
        ART_3 + "3",
    ),
    Item(
        "quantity_and_price",
        "количество, цена или порядок её определения однозначны",
        "quantity, and price or its formula, leave no doubt",
        ART_3 + "4, 5",
    ),
    Item(
        "placement",
        "сроки размещения и условия, при которых выпуск состоялся, однозначны и исполнимы",
        "the days of placement and the conditions of success leave no doubt and can be kept",
        ART_3 + "6",
    ),
    Item("payment", "порядок оплаты соответствует правилам", "payment is as the rule book has it", ART_3 + "7"),
    Item(
        "smart_contract",
        "указание на исполнение сделок смарт-контрактом верно, хэш кода – действующей версии",
        "the statement on the smart contract is right, and its hash that of the code in force",
        ART_3 + "8",
    ),
    Item(
        "collateral",
        "обеспечение существует и описано, либо сказано, что его нет",
        "the security exists and is described, or it is said that there is none",
        ART_3 + "9",
    ),
    Item(
        "circle",
        "ограничения круга приобретателей и обращения законны; признак доступности без лимита подтверждён",
        "limits on acquirers and transfer are lawful; a sign that opens the units to all is proven",
        ART_3 + "10; 259-ФЗ ст. 4, 5635-У",
    ),
    Item(
        "credit_risk",
        "выплаты не зависят от исполнения кредитов третьих лиц, либо это сказано и приобретатели – квалифицированные",
        "payments do not depend on how others perform their loans, or this is said and acquirers are qualified",
        "259-ФЗ ст. 4 (ограничение с 2026 года уточняет юрист)",
    ),
    Item(
        "life",
        "досрочное погашение, дефолт, споры и раскрытие описаны и не противоречат закону",
        "early redemption, default, disputes and disclosure are described and lawful",
        ART_3 + "12",
    ),
)
_DEBT: Final = Item(
    "debt",
    "все обязательные указания о долговых ЦФА есть и сказаны по смыслу закона",
    "every mandatory statement on debt ЦФА is made in the meaning of the law",
    DEBT,
)


def items_of(terms: IssuanceTerms) -> tuple[Item, ...]:
    """What a reviewer of these terms answers; debt ЦФА have one item more."""
    return (*_ITEMS, _DEBT) if terms.is_debt else _ITEMS


def require_every_item(terms: IssuanceTerms, answers: Sequence[Answer]) -> None:
    """Return if each item is answered once and holds, as an acceptance needs. Raises: ReviewNeedsEveryItem."""
    asked = [item.code for item in items_of(terms)]
    holding = [answer.item for answer in answers if answer.holds]
    missing = [code for code in asked if code not in holding]
    if missing or sorted(answer.item for answer in answers) != sorted(asked):
        told = ", ".join(missing) or "an item is answered twice or is not on the list"
        raise ReviewNeedsEveryItem(
            f"an acceptance answers every item of the checklist once, and each holds: {told}",
            {"items": len(asked), "missing": ", ".join(missing)},
        )


def all_hold(terms: IssuanceTerms) -> tuple[Answer, ...]:
    """The answers of a reviewer who found everything in order."""
    return tuple(Answer(item=item.code, holds=True) for item in items_of(terms))
