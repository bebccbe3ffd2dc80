"""Top-up code: no single wrong character leads to anybody's wallet. ISO/IEC 7064 MOD 37,36."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET, BankCredit, decide_incoming
from kapital.settlement.domain.top_up_code import check_character, codes_in, is_intact, top_up_code
from tests.settlement.world import START

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
wallets = st.uuids()


def test_the_check_character_agrees_with_the_published_example() -> None:
    # A GRid (Global Release Identifier) carries an ISO/IEC 7064 MOD 37,36 check character: A1-2425G-ABC1234002-M.
    assert check_character("A12425GABC1234002") == "M"
    assert is_intact("A12425GABC1234002M")


@given(wallet=wallets, place=st.integers(0, 12), other=st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_caught(wallet: UUID, place: int, other: str) -> None:
    code = top_up_code(wallet)
    text = code.removeprefix("KPT-")
    if text[place] == other:
        return

    intact, broken = codes_in("KPT-" + text[:place] + other + text[place + 1 :])

    assert not intact
    assert broken


@given(wallet=wallets, place=st.integers(0, 12), other=st.sampled_from(ALPHABET))
def test_a_missing_or_doubled_character_is_no_code(wallet: UUID, place: int, other: str) -> None:
    text = top_up_code(wallet).removeprefix("KPT-")

    assert not codes_in("KPT-" + text[:place] + text[place + 1 :])[0]
    assert not codes_in("KPT-" + text[:place] + other + text[place:])[0]


@given(
    wallet=wallets,
    before=st.sampled_from(["", "Пополнение ", "Оплата по договору №7, "]),
    after=st.sampled_from(["", ".", " НДС не облагается"]),
)
def test_a_code_is_found_as_people_write_it(wallet: UUID, before: str, after: str) -> None:
    code = top_up_code(wallet)
    cyrillic = code.translate(str.maketrans("ABEKMHOPCTYX", "АВЕКМНОРСТУХ"))

    for written in (code, code.lower(), cyrillic, cyrillic.lower(), code.replace("-", ""), code.replace("-", " ")):
        assert codes_in(before + written + after) == (frozenset({code}), False)


@given(left=wallets, right=wallets)
def test_wallets_differ_in_their_codes(left: UUID, right: UUID) -> None:
    assert (top_up_code(left) == top_up_code(right)) == (left == right)


def test_a_code_never_changes() -> None:
    assert top_up_code(UUID("01931c9e-8f20-7abc-8def-0123456789ab")) == "KPT-9090B7DYQQXA7"


ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("purpose", "seen", "reason"),
    [
        (f"{top_up_code(ONE)}", True, "same_content_other_id"),
        (f"{top_up_code(ONE)} {top_up_code(TWO)}", False, "several_codes"),
        ("KPT-AAAAAAAAAAAAA", False, "code_check_failed"),
        ("Возврат займа", False, "no_code"),
        (f"{top_up_code(TWO)}", False, "code_of_nobody"),
        (f"{top_up_code(ONE)}", False, None),
        (f"{top_up_code(ONE)} {top_up_code(ONE)}", False, None),
        (f"{top_up_code(ONE)} KPT-AAAAAAAAAAAAA", False, None),
    ],
)
def test_money_of_an_unknown_owner_goes_to_the_operators_wallet(purpose: str, seen: bool, reason: str | None) -> None:
    credit = BankCredit(
        cursor=1, bank_id="1", amount_kopecks=1, purpose=purpose, payer_account="", payer_name="", credited_at=START
    )

    decided = decide_incoming(UUID(int=9), credit, {top_up_code(ONE): ONE}, content_seen=seen)

    assert decided.reason == reason
    assert decided.wallet_id == (ONE if reason is None else UNIDENTIFIED_WALLET)
