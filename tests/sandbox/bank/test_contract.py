"""The contract of the outside party is valid, served whole, and nothing else is served."""

import re

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from kapital.contracts import bank_nominal_account as contract
from kapital.contracts.bank_nominal_account import FaultPoint
from kapital.platform.http import served_routes
from kapital.sandbox.bank import SandboxBank
from kapital.sandbox.bank.faults import SCRIPTS, read_script
from kapital.sandbox.bank.problems import FaultScriptInvalid
from kapital.sandbox.bank.serving import operations
from tests.contracts.documents import CONTRACTS, load
from tests.sandbox.bank.serving import served_here

NAME = "bank_nominal_account"


def test_the_contract_is_valid_with_its_references_followed() -> None:
    OpenAPIV31SpecValidator(
        load("outside", NAME), base_uri=(CONTRACTS / "outside" / f"{NAME}.yaml").as_uri()
    ).validate()


async def test_every_operation_is_served_and_beside_them_only_the_page(bank: SandboxBank) -> None:
    served = {(method, re.sub(r":\w+}", "}", path)) for method, path in served_routes(served_here(bank))}

    assert served == {*operations(), ("GET", "/"), ("GET", "/style.css")}


def test_a_fault_can_be_placed_at_every_operation_of_a_real_bank() -> None:
    of_bank = {name for (_, path), name in operations().items() if not path.startswith("/sandbox/")}

    others = {"any", "credit", "escrow_notice", "webhook", "file_message"}
    assert {point.value for point in FaultPoint} == of_bank | others


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_script_that_ships_can_be_played_and_is_called_as_its_file(path: object) -> None:
    script = read_script(SCRIPTS.joinpath(str(path)).read_bytes())

    assert script.name == SCRIPTS.joinpath(str(path)).stem
    assert script.steps
    assert script.about_ru
    assert script.about_en


HEAD = "{version: 1, name: x, about_ru: '', about_en: '', steps: [%s]}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: [",
        "\x00",
        HEAD.replace("version: 1", "version: 2") % "",
        HEAD % "{at: create_payment, do: explode}",
        HEAD % "{at: somewhere, do: delay}",
        HEAD % "{at: credit, do: delay}",
        HEAD % "{at: webhook, do: delay}",
        HEAD % "{at: file_message, do: wrong_sum}",
        HEAD % "{at: any, do: lost}",
        HEAD % "{at: any, do: reject}",
        HEAD % "{at: get_payment, do: pending}",
        HEAD % "{at: any, do: delay, seconds: -1}",
        HEAD % "{at: any, do: delay, times: 0}",
        HEAD % "{at: any, do: delay, speed: 1}",
        HEAD % "{at: any, do: delay}" + " " * 70_000,
        "[" * 5_000,
        "a: !!python/object/apply:os.system [true]",
    ],
)
def test_a_script_that_cannot_be_played_is_refused(text: str) -> None:
    with pytest.raises(FaultScriptInvalid):
        read_script(text.encode())


def test_what_a_script_leaves_out_has_the_defaults_of_the_contract() -> None:
    step = msgspec.convert({"at": "any", "do": "delay"}, contract.FaultStep)
    said = load("outside", NAME)["components"]["schemas"]["FaultStep"]["properties"]

    assert {name: said[name].get("default") for name in ("skip", "times", "seconds", "kopecks", "enquiries")} == {
        name: getattr(step, name) for name in ("skip", "times", "seconds", "kopecks", "enquiries")
    }
