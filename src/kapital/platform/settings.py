"""Settings of one process: environment (`KAPITAL_…`), then the TOML file named by `KAPITAL_CONFIG`, then
defaults.

Secrets are `SecretStr`: their `repr` shows stars, so a logged Settings object tells nothing.
"""

import os
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from kapital.platform.acts.policy import ActRule, RecheckRule
from kapital.platform.approval_rules import ApprovalRule
from kapital.platform.awaiting_rules import AwaitingRule
from kapital.platform.certificate_rules import CertificateRule
from kapital.platform.publication_rules import PublicationStampRule
from kapital.platform.retail_rules import RetailRule
from kapital.platform.rule_book_at_allocation import RuleBookAtAllocationRule
from kapital.platform.sbp_rules import SbpRule
from kapital.platform.tax_rules import TaxAtPayoutRule
from kapital.platform.withdrawal_rules import WithdrawalRule

PREFIX: Final = "KAPITAL_"
CONFIG_VARIABLE: Final = "KAPITAL_CONFIG"
NO_SETTINGS: Final = (CONFIG_VARIABLE, "KAPITAL_ACCESS_TOKEN", "KAPITAL_REQUIRE_ALL", "KAPITAL_TEST_SEED")
"""Variables of the house that are no settings: the file's name, who acts at the console, two of the tests."""


RequiredList = Literal[
    "rosfinmonitoring_terror", "rosfinmonitoring_proliferation", "rosfinmonitoring_mvk", "un", "ofac_sdn", "eu",
    "uk", "opensanctions",
]  # fmt: skip
"""Names of lists, as identity has them."""


class UnknownVariable(ValueError):
    """The environment has a `KAPITAL_…` variable that nobody reads: a typing error, never ignored."""


class Settings(BaseSettings):
    """All that can be chosen at start. An unknown variable or key in the file is refused: no typing error passes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    data_dir: Path = Path("var/kapital")
    """Everything the process keeps on disk: embedded PostgreSQL, objects, keys of the sandbox."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    http_processes: int = Field(default=1, ge=1, le=32)
    """Processes that serve HTTP on the port; the first one does the background work too. One interpreter uses one
    core: most orders are served by as many processes as there are cores. Each keeps its own connections."""
    database_url: SecretStr | None = None
    """PostgreSQL server to use, for example `postgresql://kapital@db.example/postgres`; its role must be able
    to create databases unless `kapital_<service>` exist. None: the embedded PostgreSQL in
    `data_dir/postgres`."""
    database_pool_size: int = Field(default=5, ge=1, le=100)
    """Connections kept per service database and process; up to three times as many under load."""
    postgres_max_connections: int | None = Field(default=None, ge=20, le=5000)
    """Embedded PostgreSQL only. None: what the processes may use under load, at least 200."""
    postgres_shared_buffers_mb: int | None = Field(default=None, ge=16, le=1_048_576)
    """Embedded PostgreSQL only. None: a quarter of the memory that this process may use, at most 8 GB."""
    custody_passphrase: SecretStr | None = Field(default=None, min_length=12, max_length=1024)
    """Opens the private keys of custody (scrypt). None: a random key file of mode 600 in `data_dir`."""
    operator_name: str = "Kapital"
    log_origin: str = Field(default="kapital.example/ledger", min_length=1, max_length=200)
    """Origin line of the ledger's checkpoints (C2SP signed note); never changes in the life of a log."""
    rule_book_version: str = "2026-01-01"
    """The version of the rule book that a new register begins with; later ones are entered over HTTP."""
    rule_book_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """SHA-256 (hex) of the document of that first version: what a participant accepts by."""
    code_version: str = "0.1.0"
    calendar: Path | None = None
    """A production calendar (CSV: `date,kind,holiday,moved_from`) with years in the place of the packaged ones, or
    after them. Payments of those years that are not due yet are planned anew at the start. None: the packaged years,
    and provisional ones after them."""
    policies_dir: Path | None = None
    """Folder with the Cedar policies and their schema. None: those that came with the program."""
    screening_required_lists: frozenset[RequiredList] = frozenset()
    """Lists that must be in force before anybody is approved, as JSON: `["un"]`. An operator under 115-FZ names the
    four that freeze; none is for trials, where an approval rests on the lists that happen to be loaded."""
    body_limit_bytes: int = Field(default=1_048_576, ge=1024, le=268_435_456)
    acts_signed: Literal["qualified", "simple"] = "qualified"
    """Signature that acts of participants need where no rule of `act_rules` is in force: `qualified` (УКЭП), or
    `simple` (the authenticated session, lawful only where the rule-book agrees on it)."""
    act_rules: tuple[ActRule, ...] = ()
    """Dated rules by kind of act (`place_orders`, `withdraw_orders`, `sign_decision`, `withdraw_money`,
    `accept_rule_book`, `give_mandate`, `accept_mandate` and others): `kind`, `signature`, `effective_from`,
    `effective_to`, `basis`, and `powers`, the codes that a power of attorney must give. In the environment as JSON,
    in the file as `[[act_rules]]`."""
    recheck_at_settlement: tuple[RecheckRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`): placements that end on such a day are allocated only
    when the certificates behind their accepted orders were checked again; orders whose certificate was revoked since
    wait for the decision of two persons. Without a rule a signature that held when it came is enough."""
    retail_rules: tuple[RetailRule, ...] = ()
    """Dated rules of what an unqualified person may acquire: `measure` (`limit`, `test`, `limit_unless_tested`,
    `none`), `limit_kopecks` and `window` (`calendar_year`, `rolling_year`) unless they are the law's,
    `effective_from`, `effective_to`, `basis`. On a day without a rule the limit of 5635-U holds (dated parameter)."""
    orders_await_funds: tuple[AwaitingRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`): on such a day orders are taken that
    [await their money](../explanation/awaiting-orders.md) until a cut-off of their own. Without a rule an order for
    which there is too little money is refused."""
    actions_approved_by_two: tuple[ApprovalRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`): on such a day what was calculated of a payment waits
    for [two persons](../how-to/operate/approve-payments.md): SETTLEMENT proposes, RISK approves by its hash; then its
    list of holders is taken. Without a rule the machine approves what it calculated."""
    rule_book_at_allocation: tuple[RuleBookAtAllocationRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`): orders that are satisfied as of such a day get units
    only if their investor has accepted the rule book in force then. Without a rule it is asked for at the order
    alone."""
    certificate_required: tuple[CertificateRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`): on such a day a first identification is completed only
    of whom a valid certificate of a signature is bound, and a participant who has none is restricted (payouts go on,
    purchases do not) until one is bound. Without a rule nobody needs one to be a participant."""
    tax_at_payout: tuple[TaxAtPayoutRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`, `agent`, `unknown_residency`, `issue_id`): from what is
    paid to holders on such a day income tax is withheld. Without a rule payouts are gross."""
    trust_dir: Path | None = None
    """Folder of certificates that are believed: `roots`, `time_stamp_roots`, `certificates`. None: no signature is
    valid."""
    signature_policies: tuple[str, ...] = ()
    """Policy identifiers (OID) of which a signer's certificate must name one; none demanded if empty."""
    signature_hosts: tuple[str, ...] = ()
    """Hosts (with the port if not the usual one) that may be asked for OCSP, CRL and time-stamps. No other is."""
    signature_timeout_s: float = Field(default=5.0, ge=0.1, le=60)
    """The longest time that one question to such a host may take."""
    time_stamp_url: str | None = None
    """Address of the time-stamping authority (RFC 3161). If given, every act gets a stamp; its host must be named."""
    publication_stamp_required: tuple[PublicationStampRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`): on such a day no decision is published without the
    time-stamp of `time_stamp_url`. Without a rule one is asked for where that authority is named."""
    revocation_keep_s: int = Field(default=300, ge=0, le=86_400)
    """The longest time that an answer on revocation is kept and used again, if it does not end earlier itself."""
    clamd_address: str | None = Field(default=None, pattern=r"^(tcp://[^/:]+:[0-9]{1,5}|unix:///.+)$", max_length=300)
    """Scanner for malware (ClamAV's clamd) that documents of identification are shown to: `tcp://host:port` or
    `unix:///path`. None: documents stay unchecked."""
    unchecked_documents_allowed: bool = False
    """Whether somebody may be identified by documents that no scanner looked at, where none is named."""
    simplified_identification_from: date | None = None
    """From which day on (Moscow) persons may be identified in the simplified way (115-FZ art. 7). None: not at all.
    Orders above its limit (dated parameter) are refused."""
    attested_identification_until: date | None = None
    """The last day (Moscow) on which staff may vouch for a person of whom neither a questionnaire nor a document is
    kept; from the next day on a questionnaire is asked for (a bank's word under an agreement stays enough for a
    person). None: no day is set, and they may."""
    kyc_refresh_months_low: int | None = Field(default=None, ge=1, le=36)
    """After how many months an identification of low risk ends. None: as the law says (dated parameter)."""
    kyc_refresh_months_medium: int | None = Field(default=None, ge=1, le=36)
    """The same of medium risk."""
    kyc_refresh_months_high: int | None = Field(default=None, ge=1, le=36)
    """The same of high risk."""
    bus_poll_interval_ms: int = Field(default=1000, ge=10, le=60_000)
    """The longest time an event waits when a wake-up was lost."""
    bank_account: str = Field(default="", max_length=20)
    """Our nominal account at the bank, twenty characters: statements of another account are parked."""
    bank_certificates: Path | None = None
    """Certificates (PEM) in which the bank's signatures end. None: no message of a bank is taken in."""
    bank: Literal["sandbox", "http", "files"] = "sandbox"
    """The bank with the nominal account: `sandbox`, a scripted one in this process, `http`, one that speaks
    contracts/outside/bank_nominal_account.yaml, or `files`, one that [exchanges
    files](../how-to/integrate/exchange-files-with-a-bank.md)."""
    bank_files_dir: Path | None = None
    """The exchange folder of a bank by files: `out`, `in`, `done`, `parked`, `set_aside` on one file system of this
    machine."""
    bank_files_format: Literal["iso20022", "1c"] = "iso20022"
    """How a bank by files writes: `iso20022` (pain.001, pain.002, camt.052, 053, 054) or `1c`
    (1CClientBankExchange)."""
    bank_files_encoding: Literal["Windows", "UTF-8"] = "Windows"
    """Encoding of our orders in the 1C exchange; what the bank writes is read as it names it."""
    bank_bic: str = Field(default="", max_length=9)
    """The БИК of the bank with the nominal account; payment orders for a bank by files name it."""
    operator_inn: str = Field(default="", max_length=12)
    """The operator's ИНН, in payment orders for a bank by files; where it is set, decisions must name it."""
    operator_kpp: str = Field(default="", max_length=9)
    """The operator's КПП, there too."""
    bank_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+$", max_length=300)
    """Address of that bank, without a path. Plain http only to this machine."""
    bank_token_file: Path | None = None
    """File with the token that the bank gave us."""
    bank_answer_key: Path | None = None
    """The bank's public key (PEM, Ed25519): answers without its signature are not believed. None: they are not
    checked, and TLS is all that proves them."""
    bank_authorities: Path | None = None
    """Certificates (PEM) in which the bank's TLS certificate ends. None: those of the system."""
    bank_client_certificate: Path | None = None
    """Our certificate (PEM) for a bank that asks for one (mTLS)."""
    bank_client_key: Path | None = None
    """Its private key (PEM, without a passphrase)."""
    bank_escrow: bool = False
    """Whether the agreement with the bank lets it hold money of buyers in escrow for us. Without it instructions of
    the escrow rail are refused (`escrow_rail_must_be_agreed`)."""
    bank_shares: bool = False
    """Whether the agreement with the bank has it keep the share of each beneficiary (Civil Code art. 860.1–860.6).
    Then it is [told whose the money is](../explanation/bank-shares.md). Only of a bank over HTTP, from before the
    first payout on, and never taken back."""
    bank_webhook_key: Path | None = None
    """File with the key that the bank shares with us for its calls back (HMAC-SHA-256; at least 32 bytes, white space
    around them is not part of it). None: no call back is believed, and what came is found in the bank's list."""
    sbp_qr_minutes: int = Field(default=30, ge=1, le=10_080)
    """How long a QR code of the Faster Payments System can be paid."""
    sbp_rules: tuple[SbpRule, ...] = ()
    """Dated limits of the Faster Payments System in kopecks (`effective_from`, `effective_to`, `basis`,
    `top_up_kopecks_max`, `payout_kopecks_max`, `payout_day_kopecks_max`). Without a rule, or for a limit that it does
    not name, the dated parameters hold, which are doubtful memory ([M?])."""
    withdrawal_rules: tuple[WithdrawalRule, ...] = ()
    """Dated rules (`effective_from`, `effective_to`, `basis`, `approval_from_kopecks`): from this sum on, what one
    owner withdraws on a Moscow day awaits [two persons](../how-to/operate/approve-withdrawals.md). Without a rule
    nothing waits."""
    bank_timeout_s: float = Field(default=10.0, ge=0.1, le=120)
    """The longest time that one question to the bank may take; after it nothing is known and the bank is asked."""
    failpoint_token: SecretStr | None = Field(default=None, max_length=64)
    """Set by `kapital faults run` for the houses that it kills at [failpoints](failpoints.md). A house of no fault
    run that sees it does not start."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env files: one file, named
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no folder of secrets either
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Code, then environment, then the file. A named file that is missing is an error, not a default.

        Raises: UnknownVariable, FileNotFoundError.
        """
        _require_known(os.environ, [f"{PREFIX}{name.upper()}" for name in settings_cls.model_fields])
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        if named := os.environ.get(CONFIG_VARIABLE):
            path = Path(named)
            if not path.is_file():
                raise FileNotFoundError(f"{CONFIG_VARIABLE} names {path}, which is not a file")
            sources += (TomlConfigSettingsSource(settings_cls, toml_file=path),)
        return sources

    @model_validator(mode="after")
    def _url_is_postgresql(self) -> Self:
        if self.database_url is not None:
            scheme = self.database_url.get_secret_value().partition("://")[0]
            if scheme not in {"postgresql", "postgres"}:
                raise ValueError("database_url must start with postgresql://")
        return self

    @model_validator(mode="after")
    def _bank_files_are_named(self) -> Self:
        if self.bank != "files":
            return self
        needed = ("bank_files_dir", "bank_account", "bank_bic", "bank_certificates")
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"bank files needs {', '.join(missing)}")
        not_offered = ("bank_escrow", "bank_webhook_key", "sbp_rules")
        if named := [name for name in not_offered if getattr(self, name)]:
            raise ValueError(f"bank files offers neither escrow nor the SBP: {', '.join(named)}")
        return self

    @model_validator(mode="after")
    def _bank_is_named(self) -> Self:
        if self.bank != "http":
            if self.bank_shares:
                raise ValueError("bank_shares needs bank http: the sandbox bank of this process keeps no shares")
            return self
        if self.bank_url is None or self.bank_token_file is None:
            raise ValueError("bank http needs bank_url and bank_token_file")
        scheme, _, address = self.bank_url.partition("://")
        host = address.rpartition(":")[0] or address
        if scheme == "http" and host not in {"127.0.0.1", "localhost", "[::1]"}:
            raise ValueError("bank_url must be https: a token and money go over it")
        if (self.bank_client_certificate is None) is not (self.bank_client_key is None):
            raise ValueError("bank_client_certificate and bank_client_key come together")
        return self


def _require_known(variables: Iterable[str], settings: Iterable[str]) -> None:
    """Return if each `KAPITAL_…` variable is read by somebody. Raises: UnknownVariable."""
    known = {*settings, *NO_SETTINGS}
    for name in sorted(variables):
        # As pydantic-settings reads them: in any case of letters.
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = get_close_matches(name.upper(), sorted(known), 1, 0)
            raise UnknownVariable(f"{name} is no setting; the nearest is {near[0]}")
