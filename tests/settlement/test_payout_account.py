"""The control key of a bank account. Source of the vectors: Bank of Russia procedure N 515 of 08.09.1997."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.requisites import with_account_key
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.problems import PayoutAccountKeyMustMatch, PayoutAccountMalformed

with (Path(__file__).parents[1] / "data/bank/account_control_key_examples.csv").open(encoding="utf-8") as file:
    EXAMPLES = [row for row in csv.DictReader(file) if row["case"].startswith("client_account")]


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row["case"])
def test_the_official_examples_pass(row: dict[str, str]) -> None:
    PayoutAccount(bic=row["bic"], account=row["account"]).require_valid()


@given(digits=st.text("0123456789", min_size=20, max_size=20), place=st.integers(0, 19), step=st.integers(1, 9))
def test_any_single_wrong_digit_is_caught(digits: str, place: int, step: int) -> None:
    account = with_account_key(digits, bic="044525225")
    wrong = account[:place] + str((int(account[place]) + step) % 10) + account[place + 1 :]

    PayoutAccount(bic="044525225", account=account).require_valid()
    with pytest.raises(PayoutAccountKeyMustMatch):
        PayoutAccount(bic="044525225", account=wrong).require_valid()


@pytest.mark.parametrize(
    ("bic", "account"),
    [
        ("04452522", "40602810700000000025"),
        ("144525225", "40602810700000000025"),
        ("049805746", "4060281070000000002"),
        ("049805746", "40602810７00000000025"),
        ("049805746\n", "40602810700000000025"),
    ],
)
def test_what_is_not_an_account_is_refused(bic: str, account: str) -> None:
    with pytest.raises(PayoutAccountMalformed):
        PayoutAccount(bic=bic, account=account).require_valid()
