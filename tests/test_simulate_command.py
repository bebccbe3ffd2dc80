"""`kapital simulate` as its caller meets it."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from kapital.commands.simulate import simulate

ROOT = Path(__file__).parents[1]
ISSUES = ROOT / "examples" / "issues"
EARLY = ROOT / "examples" / "issues" / "put-call-buyback.yaml"
KEY_RATE = ROOT / "tests" / "data" / "rates" / "cbr_KeyRateXML_2026-06-01_2026-10-06.xml"


def told(capsys: pytest.CaptureFixture[str], terms: Path, **options: Any) -> dict[str, Any]:
    simulate(terms, as_json=True, **options)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], terms: Path, **options: Any) -> str:
    with pytest.raises(SystemExit) as ended:
        simulate(terms, **options)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    return said.err


@pytest.mark.parametrize("path", sorted(ISSUES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_played_to_its_end(capsys, path):
    found = told(capsys, path, seed=3)

    [holder] = found["holders"]
    assert holder["units_left"] == 0
    assert holder["received_kopecks"] == sum(payment["total_kopecks"] for payment in found["payments"])
    assert found["states"][-1]["state"] == "redeemed"
    assert found["notes"] == []


def test_the_published_key_rate_goes_on_where_it_ended(capsys):
    """14.00 % is the last of the answer; 31 days at 16.5 % of 365 on 1,000.00: 14.013698… a unit, down, 100 units."""
    found = told(capsys, ISSUES / "floating-key-rate.yaml", rates=(KEY_RATE,), holder=("anna=100",))

    assert [payment["kopecks"]["anna"] for payment in found["payments"]] == [140136, 140136, 10000000]


def test_a_stated_path_is_followed_and_its_gaps_are_silence(capsys, tmp_path):
    """IMOEX 2,500 at first, nothing on the last day, 2,750 on the next: 80 % of 10 % on 10,000.00."""
    (tmp_path / "imoex.csv").write_text("series,day,value\nmoex_imoex,2026-12-14,2500\nmoex_imoex,2027-06-11,2750\n")

    found = told(capsys, ISSUES / "index-linked.yaml", path=tmp_path / "imoex.csv", holder=("anna=1",))

    [redemption] = found["payments"]
    assert redemption["kopecks"] == {"anna": 1_080_000}
    assert [("10.06.2027" in text, "11.06.2027" in text) for text in redemption["substitutes"]] == [(True, True)]


def test_a_path_that_says_too_much_is_refused(capsys, tmp_path):
    rows = {
        "series,day,value\nruonia,2026-12-14,14\n": "does not look at ruonia",
        "series,day,value\n" + "moex_imoex,2026-12-14,14\n" * 2: "line 3: moex_imoex of 2026-12-14 stands twice",
        "series,day,value\nmoex_imoex,2026-12-14\n": "line 2: 3 columns are needed",
        "series,day,value\nmoex_imoex,2026-12-14,1e3\n": "not a number",
        "series,day,value\n" + "moex_imoex,2026-12-14,14\n" * 20_000: "at most 20000 lines",
        "series,day,value\n": "the others are values",
    }
    for content, why in rows.items():
        (tmp_path / "path.csv").write_text(content)
        assert why in refused(capsys, ISSUES / "index-linked.yaml", path=tmp_path / "path.csv")


def test_a_part_is_called(capsys):
    found = told(capsys, EARLY, holder=("anna=10", "boris=10"), call=("1:5",))

    [called] = [payment for payment in found["payments"] if payment["kind"] == "call"]
    assert sum(called["extinguished"].values()) == 5


def test_early_redemption_is_played(capsys):
    found = told(capsys, EARLY, holder=("anna=10", "boris=10"), put=("1:boris=10",), call=("1",))

    assert [payment["kind"] for payment in found["payments"]] == ["coupon", "coupon", "put", "coupon", "call"]
    assert found["notes"] == []
    assert found["evaluator_version"] == 2


def test_many_paths_are_spread_between_the_least_and_the_greatest(capsys):
    spread = told(capsys, ISSUES / "index-linked.yaml", seed=1, paths=20)["received_kopecks"]

    assert spread["paths"] == 20
    assert spread["least"] <= spread["median"] <= spread["greatest"]
    assert spread["least"] < spread["greatest"]


def test_the_table_names_default_and_what_stood_in_for_missing_values(capsys):
    simulate(
        ISSUES / "floating-key-rate.yaml", missing=("2027-01-20",), unfunded_from="2027-02-01", holder=("anna=1",)
    )

    said = capsys.readouterr().out
    assert "технический дефолт" in said
    assert "дефолт" in said
    assert "за 20.01.2027 не опубликовано; по решению о выпуске взято последнее опубликованное до него" in said
    assert "anna: 1 шт., получено 14,01" in said


def test_a_chart_is_written_once_unless_forced(capsys, tmp_path):
    file = tmp_path / "chart.svg"
    told(capsys, EARLY, chart=file)

    ET.fromstring(file.read_text())
    before = file.read_bytes()
    assert "--force" in refused(capsys, EARLY, chart=file)
    assert file.read_bytes() == before
    told(capsys, EARLY, chart=file, force=True, call=("1",))
    assert file.read_bytes() != before


def test_every_fault_of_the_terms_is_told_at_once(capsys, tmp_path):
    text = (ISSUES / "floating-key-rate.yaml").read_text()
    wrong = (
        text.replace('cap: "0.30"', 'cap: "-0.1"')
        .replace("quantity_max: 50000", "quantity_max: 0")
        .replace("price_kopecks: 100000", "price_kopecks: 0")
        .replace("series: cbr_key_rate", "series: my_rate")
        .replace("2027-02-14]", "2027-02-20]")
    )
    (tmp_path / "terms.yaml").write_text(wrong)

    said = refused(capsys, tmp_path / "terms.yaml")

    codes = [line.split()[0] for line in said.splitlines()]
    assert {
        "quantity_max_zero",
        "price_below_kopeck",
        "floor_above_cap",
        "series_unknown",
        "coupon_after_redemption",
    } <= set(codes)
    assert "известны: cbr_key_rate, ruonia" in said
    assert "[259-ФЗ ст. 3 ч. 1 п. 5]" in said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"holder": ("anna",)}, "as name=number"),
        ({"holder": ("anna=1", "anna=2")}, "each holder once"),
        ({"holder": ("anna=1.5",)}, "not a whole number"),
        ({"holder": tuple(f"h{n}=1" for n in range(101))}, "at most 100 holders"),
        ({"holder": ("anna=20001",)}, "scenario_impossible"),
        ({"value": ("cbr_key_rate=1e9",)}, "not a number"),
        ({"missing": ("2027-02-30",)}, "not a day"),
        ({"put": ("anna=1",)}, "as 1:anna=5"),
        ({"call": ("7",)}, "there is no call 7"),
        ({"call": ("1:0",)}, "call 1 is no call of 0 units"),
        ({"call": ("1", "1:5")}, "each call once"),
        ({"path": Path("absent.csv")}, "absent.csv: No such file"),
        ({"path": EARLY}, "the first line is series,day,value"),
        ({"paths": 2}, "--paths needs --seed"),
        ({"rates": (Path("absent.xml"),)}, "absent.xml: No such file"),
        ({"rates": (EARLY,)}, "rates_answer_unreadable"),
        ({"chart": Path("/nowhere/at/all.svg")}, "No such file"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(capsys, options, why):
    said = refused(capsys, EARLY, **options)

    assert why in said
    assert said.count("\n") == 1


def test_terms_that_are_not_terms_are_refused(capsys, tmp_path):
    (tmp_path / "terms.yaml").write_text("a: 1\n")

    assert "terms_malformed" in refused(capsys, tmp_path / "terms.yaml")
    assert "No such file" in refused(capsys, tmp_path / "absent.yaml")
