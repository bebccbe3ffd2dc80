"""Numbers that the state gives: their control digits, tried on published numbers."""

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.kernel.requisites import (
    account_is_valid,
    bic_is_valid,
    inn_is_valid,
    ogrn_is_valid,
    snils_is_valid,
    treasury_account_is_valid,
    with_account_key,
    with_inn_control,
    with_ogrn_control,
    with_snils_control,
)

with (Path(__file__).parents[1] / "data/bank/account_control_key_examples.csv").open(encoding="utf-8") as file:
    ACCOUNTS = list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("number", "legal_entity", "valid"),
    [
        ("7707083893", True, True),
        ("7736207543", True, True),
        ("7728168971", True, True),
        ("7710140679", True, True),
        ("7707083894", True, False),
        ("7707083893", False, False),
        ("500100732259", False, True),
        ("773370857141", False, True),
        ("344809916052", False, True),
        ("526317984689", False, True),
        ("500100732258", False, False),
        ("500100732269", False, False),
        ("500100732259", True, False),
        ("0000000000", True, False),
        ("٧٧٠٧٠٨٣٨٩٣", True, False),
    ],
)
def test_inn_has_its_control_digits(number, legal_entity, valid):
    assert inn_is_valid(number, legal_entity=legal_entity) is valid


@pytest.mark.parametrize(
    ("number", "legal_entity", "valid"),
    [
        ("1027700132195", True, True),
        ("1027739609391", True, True),
        ("1027700132196", True, False),
        ("1027700132195", False, False),
        ("304500116000157", False, True),
        ("304500116000158", False, False),
        ("304500116000157", True, False),
        ("١٠٢٧٧٠٠١٣٢١٩٥", True, False),
    ],
)
def test_ogrn_has_its_control_digit(number, legal_entity, valid):
    assert ogrn_is_valid(number, legal_entity=legal_entity) is valid


@given(number=st.integers(10**7, 10**8 - 1))
def test_a_completed_body_is_valid_for_its_kind_only(number):
    entity, person = with_inn_control(f"9{number}"), with_inn_control(f"98{number}")

    assert inn_is_valid(entity, legal_entity=True)
    assert inn_is_valid(person, legal_entity=False)
    assert not inn_is_valid(entity, legal_entity=False)
    assert not inn_is_valid(person, legal_entity=True)


@pytest.mark.parametrize("body", ["", "12345678", "12345678901", "12345678a", "٧٧٠٧٠٨٣٨٩"])
def test_only_a_body_of_digits_is_completed(body):
    with pytest.raises(InvariantBroken):
        with_inn_control(body)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


def changed(number: str, place: int, step: int) -> str:
    return number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]


STEPS = st.integers(1, 9)
AT_BANK_OF_RUSSIA = ("30101", "40102")
# БИК, account and single account as the Treasury publishes them for payments to it.
TREASURY = [
    ("017003983", "03100643000000018500", "40102810445370000059"),
    ("004525988", "03100643000000017300", "40102810545370000003"),
    ("010349101", "03214643000000011800", "40102810945370000010"),
]


@given(body=digits(9), place=st.integers(0, 9), step=STEPS)
def test_a_wrong_digit_of_an_entitys_inn_is_caught_unless_its_control_folds(body, place, step):
    number = with_inn_control(body)
    assume(number[-1] != "0")

    assert not inn_is_valid(changed(number, place, step), legal_entity=True)


@given(body=digits(10), place=st.integers(0, 11), step=STEPS)
def test_a_wrong_digit_of_a_persons_inn_is_caught_unless_a_control_folds(body, place, step):
    number = with_inn_control(body)
    assume("0" not in number[-2:])

    assert not inn_is_valid(changed(number, place, step), legal_entity=False)


@given(body=digits(12), place=st.integers(0, 12), step=STEPS)
def test_a_wrong_digit_of_an_ogrn_is_caught_unless_its_control_folds(body, place, step):
    number = with_ogrn_control(body)
    assume(number[-1] != "0")

    assert ogrn_is_valid(number, legal_entity=True)
    assert not ogrn_is_valid(changed(number, place, step), legal_entity=True)


@given(body=digits(14), place=st.integers(0, 14), step=STEPS)
def test_a_wrong_digit_of_an_ogrnip_is_caught_unless_its_control_folds(body, place, step):
    number = with_ogrn_control(body)
    assume(number[-1] not in "012")

    assert ogrn_is_valid(number, legal_entity=False)
    assert not ogrn_is_valid(changed(number, place, step), legal_entity=False)


@pytest.mark.parametrize("body", ["", "12345678901", "1234567890123", "12345678901a"])
def test_only_a_body_of_digits_becomes_an_ogrn(body):
    with pytest.raises(InvariantBroken):
        with_ogrn_control(body)


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("11223344595", True),  # the number printed on the fund's own specimen
        ("08765430300", True),  # a control sum of 202: 0, written 00
        ("08765430200", True),  # a control sum of 201: 100, written 00
        ("11223344596", False),
        ("00100199800", True),  # from before control numbers
        ("00100199900", False),
        ("00000000000", False),
        ("1122334459", False),
        ("112-233-445 95", False),
        ("١١٢٢٣٣٤٤٥٩٥", False),
    ],
)
def test_snils_has_its_control_number(number, valid):
    assert snils_is_valid(number) is valid


@given(number=st.integers(1_001_999, 10**9 - 1), place=st.integers(0, 10), step=STEPS)
def test_a_wrong_digit_of_a_snils_is_caught_unless_its_control_folds(number, place, step):
    snils = with_snils_control(f"{number:09}")
    wrong = changed(snils, place, step)
    assume(snils[-2:] != "00" and int(wrong[:9]) > 1_001_998)

    assert snils_is_valid(snils)
    assert not snils_is_valid(wrong)


@pytest.mark.parametrize("body", ["", "12345678", "1234567890", "12345678a"])
def test_only_a_body_of_digits_becomes_a_snils(body):
    with pytest.raises(InvariantBroken):
        with_snils_control(body)


@pytest.mark.parametrize(
    ("bic", "valid"),
    [
        ("044525225", True),
        ("024501901", True),
        ("004525988", True),
        ("034525225", False),
        ("144525225", False),
        ("04452522", False),
        ("044525225\n", False),
        ("٠٤٤٥٢٥٢٢٥", False),
    ],
)
def test_a_bic_has_its_form(bic, valid):
    assert bic_is_valid(bic) is valid


@pytest.mark.parametrize("row", ACCOUNTS, ids=lambda row: row["case"])
def test_the_official_examples_of_accounts_have_their_keys(row):
    # Where the procedure writes К for the key: the ninth place, for the sixth may be a letter too.
    blank = row["account_with_K"][:8] + "0" + row["account_with_K"][9:]

    assert with_account_key(blank, bic=row["bic"]) == row["account"]
    assert account_is_valid(row["account"], bic=row["bic"])


@given(body=digits(20), bic=digits(7), place=st.integers(0, 19), step=STEPS)
def test_every_wrong_digit_of_an_account_is_caught(body, bic, place, step):
    account = with_account_key(body, bic=f"04{bic}")
    wrong = changed(account, place, step)
    # A start of 30101 or 40102 says with whom the account is kept: another number goes into the sum.
    assume(account.startswith(AT_BANK_OF_RUSSIA) == wrong.startswith(AT_BANK_OF_RUSSIA))

    assert account_is_valid(account, bic=f"04{bic}")
    assert not account_is_valid(wrong, bic=f"04{bic}")


@given(body=digits(20), bic=digits(6), place=st.integers(6, 8), step=STEPS)
def test_an_account_of_another_bank_is_caught(body, bic, place, step):
    here = f"044{bic}"
    assume(not here.endswith(("000", "001", "002")) and not body.startswith(AT_BANK_OF_RUSSIA))
    there = changed(here, place, step)
    assume(not there.endswith(("000", "001", "002")))

    assert not account_is_valid(with_account_key(body, bic=here), bic=there)


@pytest.mark.parametrize("pair", zip("АВСЕНКМРТХ", "ABCEHKMPTX", strict=True))
def test_a_currency_letter_counts_in_either_script(pair):
    keyed = [with_account_key(f"30114{letter}84000000000501", bic="044541312") for letter in pair]

    assert keyed[0].replace(pair[0], "") == keyed[1].replace(pair[1], "")


@pytest.mark.parametrize("account", ["", "4081781000000000001", "408178100000000000011", "4081Я810000000000001"])
def test_what_is_no_account_gets_no_key(account):
    assert not account_is_valid(account, bic="044525225")
    with pytest.raises(InvariantBroken):
        with_account_key(account, bic="044525225")


@pytest.mark.parametrize(("bic", "account", "single"), TREASURY)
@given(place=st.integers(0, 19), step=STEPS)
def test_what_the_treasury_publishes_is_valid_and_a_wrong_digit_of_its_single_account_is_caught(
    bic, account, single, place, step
):
    wrong = changed(single, place, step)

    assert treasury_account_is_valid(account, bic=bic, single_account=single)
    assert not treasury_account_is_valid(account, bic=bic, single_account=wrong)
    # Another settlement centre: places 5 and 6 of the БИК.
    other = bic[:4] + changed(bic[4:6], place % 2, step) + bic[6:]
    assert not treasury_account_is_valid(account, bic=other, single_account=single)


@pytest.mark.parametrize(
    ("bic", "account"),
    [
        ("044525225", "03100643000000018500"),  # a bank's БИК
        ("017003983", "0310064300000001850"),
        ("017003983", "03100810000000018500"),  # no account of the Treasury in that currency
        ("017003983", "40101643000000018500"),
        ("01700398", "03100643000000018500"),
        ("017003983", "0310064300000001850٠"),
    ],
)
def test_what_is_no_account_of_the_treasury_is_not_taken_for_one(bic, account):
    assert not treasury_account_is_valid(account, bic=bic, single_account="40102810445370000059")
