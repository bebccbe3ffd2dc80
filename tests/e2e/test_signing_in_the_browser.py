"""The page's side of the КриптоПро plug-in, as the how-to prints it, run in a real browser.

The plug-in itself is a double with the same calls, whose carrier is the sandbox's signer: no licence was at hand.
"""

import re
import textwrap
from base64 import b64decode, b64encode, encodebytes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kapital.kernel.canonical import sha256_hex
from kapital.platform.acts.http import signed_act
from kapital.platform.signatures.act import act_to_sign
from kapital.platform.signatures.libcrypto import has_gost
from kapital.platform.signatures.outcome import Outcome
from tests.e2e.conftest import OpenPage
from tests.platform.signatures.world import World

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "integrate" / "sign-an-act.md"
TEXT = "Заявка на приобретение 3 ед."
PLUGIN = """
window.cadesplugin = {
  CADESCOM_BASE64_TO_BINARY: 1, CADESCOM_CADES_BES: 1, CAPICOM_CERTIFICATE_INCLUDE_CHAIN_EXCEPT_ROOT: 0,
  async CreateObjectAsync(name) {
    const told = {};
    const properties = {
      "CAdESCOM.CPSigner": ["Certificate", "Options"],
      "CAdESCOM.CadesSignedData": ["ContentEncoding", "Content"],
    }[name];
    const object = {};
    for (const one of properties)
      object["propset_" + one] = async (value) => { told[one] = value; };
    object.told = told;
    object.SignCades = async (signer, type, detached) => {
      if (told.ContentEncoding !== 1) throw new Error("the content is read as text, not as base64");
      if (signer.told.Certificate === undefined || type !== 1 || detached !== true) throw new Error("not CAdES-BES");
      return await window.carrierSigns(told.Content);
    };
    return object;
  },
};
"""


def printed_script() -> str:
    """The script that the page prints."""
    [script] = re.findall(r"```js\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return textwrap.dedent(script)


def test_what_the_page_prints_signs_the_prepared_bytes_and_the_server_takes_it(open_page: OpenPage) -> None:
    world = World("gost_256" if has_gost() else "ecdsa_p256")
    act = act_to_sign("place_orders", {"made_at": "2026-03-02T10:00:00Z"}, shown_text=TEXT, language="ru")
    prepared = {"act": b64encode(act).decode(), "act_sha256": sha256_hex(act), "made_at": "2026-03-02T10:00:00Z"}
    page = open_page()
    # Base64 in lines, as the plug-in gives it.
    page.expose_function("carrierSigns", lambda content: encodebytes(world.sign(act=b64decode(content))).decode())
    page.evaluate(PLUGIN)

    sent: dict[str, Any] = page.evaluate(
        f"(prepared) => {{ {printed_script()}; return signAct(prepared, 'own'); }}", prepared
    )

    assert "\n" in sent["signature"]
    taken = signed_act(SimpleNamespace(made_at=world.clock.at, signature=sent["signature"]))
    assert taken is not None
    assert sent["made_at"] == prepared["made_at"]
    assert world.check(taken.signature, act).outcome is Outcome.VALID
