"""The shape of a freeze and how many a wallet may have, without a database."""

from typing import Any

import pytest

from kapital.ledger.api import AssetKind
from kapital.ledger.domain.freeze import (
    MAX_ALLOWANCE,
    MAX_FREEZES_PER_WALLET,
    Freeze,
    changed_freezes,
    malformed_freezes,
)
from kapital.ledger.domain.refusal import Refusal
from kapital.platform.ids import new_uuid7
from tests.ledger.words import RUB, freeze, tx

WALLET, NAME = new_uuid7(), new_uuid7()


@pytest.mark.parametrize(
    ("fits", "stops", "scope"),
    [
        (True, "both", {}),
        (True, "debits", {"kind": AssetKind.MONEY, "debit_allowance": MAX_ALLOWANCE}),
        (True, "credits", {"asset": RUB}),
        (False, "both", {"asset": RUB, "kind": AssetKind.MONEY}),
        (False, "both", {"debit_allowance": -1}),
        (False, "both", {"debit_allowance": MAX_ALLOWANCE + 1}),
        (False, "both", {"debit_allowance": True}),
        (False, "credits", {"debit_allowance": 1}),
        (False, "both", {"asset": RUB, "debit_allowance": 1}),
        (False, "both", {"kind": AssetKind.UNITS, "debit_allowance": 1}),
    ],
)
def test_a_freeze_says_one_scope_and_an_allowance_is_of_money_that_may_not_leave(
    fits: bool, stops: str, scope: dict[str, Any]
) -> None:
    assert (malformed_freezes(tx(freeze(WALLET, NAME, stops=stops, **scope))) is None) is fits


def test_a_transaction_names_a_freeze_of_a_wallet_once() -> None:
    one, other = freeze(WALLET, NAME), freeze(new_uuid7(), NAME)
    assert malformed_freezes(tx(one, other)) is None
    assert malformed_freezes(tx(one, freeze(WALLET, NAME, stops="debits"))) is not None


def test_a_wallet_has_no_more_freezes_than_it_may_and_a_known_one_may_change_at_the_limit() -> None:
    full: tuple[Freeze, ...] = ()
    names = [new_uuid7() for _ in range(MAX_FREEZES_PER_WALLET)]
    for name in names:
        full = changed_freezes(full, freeze(WALLET, name))
    with pytest.raises(Refusal):
        changed_freezes(full, freeze(WALLET, new_uuid7()))
    changed = changed_freezes(full, freeze(WALLET, names[0], stops="debits"))
    assert [one.freeze for one in changed] == [*names[1:], names[0]]
