"""HTTP of the ledger, bound to contracts/openapi/ledger.yaml: reading and proving. Nothing is posted over HTTP."""

from base64 import b64encode
from typing import Annotated, Final
from uuid import UUID

from litestar import MediaType, Response, get
from litestar.di import Provide
from litestar.params import Parameter

from kapital.contracts import ledger as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import wallet_id_of
from kapital.ledger.domain.problems import EntryNotFound, TileNotFound, WalletNotFound
from kapital.ledger.service import LedgerService
from kapital.platform import access
from kapital.platform.http import PUBLIC, HttpRequest, ServiceRoutes, actor_of
from kapital.platform.http.instants import instant_of
from kapital.verify.entry import read_entry

_MAX_JSON_INTEGER: Final = 2**53 - 1
Seq = Annotated[int, Parameter(ge=0, le=_MAX_JSON_INTEGER)]
Size = Annotated[int, Parameter(ge=1, le=_MAX_JSON_INTEGER)]


@get("/v1/ledger/checkpoint", opt=PUBLIC, media_type=MediaType.TEXT)
async def get_checkpoint(ledger: LedgerService) -> str:
    """A signed note over the present log."""
    return await ledger.checkpoint()


@get("/v1/ledger/keys", opt=PUBLIC)
async def list_verifier_keys(ledger: LedgerService) -> contract.VerifierKeys:
    """Verifier keys of the log."""
    return contract.VerifierKeys(origin=ledger.origin, keys=ledger.verifier_keys)


@get("/v1/ledger/tiles/{level:int}/{number:int}", opt=PUBLIC, media_type="application/octet-stream")
async def get_tile(
    ledger: LedgerService, level: Annotated[int, Parameter(ge=0, le=7)], number: Seq
) -> Response[bytes]:
    """One tile of hashes."""
    tile = await ledger.tile(level, number)
    if tile is None:
        raise TileNotFound(facts={"level": level, "number": number})
    return Response(tile.hashes, media_type="application/octet-stream")


@get("/v1/ledger/consistency-proof", opt=PUBLIC)
async def get_consistency_proof(ledger: LedgerService, old: Size, new: Size) -> contract.Proof:
    """Proof that a log extends an earlier one."""
    return contract.Proof(hashes=[b64encode(h).decode() for h in await ledger.consistency_proof(old, new)])


@get("/v1/ledger/entries/{seq:int}")
async def get_entry(ledger: LedgerService, request: HttpRequest, seq: Seq) -> Response[bytes]:
    """One entry as it is hashed."""
    access.require(actor_of(request), "get_entry", access.Resource("Entry"))
    found = await ledger.entries(seq, seq + 1)
    if not found:
        raise EntryNotFound(facts={"seq": seq})
    return Response(found[0].body, media_type=MediaType.JSON)


@get("/v1/ledger/entries/{seq:int}/evidence")
async def get_entry_evidence(ledger: LedgerService, request: HttpRequest, seq: Seq) -> Response[bytes]:
    """Evidence package of one entry."""
    actor = actor_of(request)
    if not access.scope(actor, "get_entry_evidence", "Entry").everything:
        found = await ledger.entries(seq, seq + 1)
        # Another's entry and no entry look the same to who may not know.
        if not found or not _touches(actor, found[0].body):
            raise EntryNotFound(facts={"seq": seq})
    return Response(await ledger.entry_evidence(seq), media_type=MediaType.JSON)


@get("/v1/ledger/wallets/{wallet_id:uuid}/balances")
async def list_wallet_balances(
    ledger: LedgerService, request: HttpRequest, wallet_id: UUID
) -> contract.WalletBalances:
    """All balances of a wallet."""
    _require_readable(actor_of(request), "list_wallet_balances", wallet_id)
    return contract.WalletBalances(
        wallet_id=wallet_id,
        balances=[
            contract.Balance(asset_id=key.asset, position=contract.PositionName(key.position), balance=str(balance))
            for key, balance in await ledger.wallet_balances(wallet_id)
        ],
    )


@get("/v1/ledger/wallets/{wallet_id:uuid}/evidence")
async def get_statement_evidence(ledger: LedgerService, request: HttpRequest, wallet_id: UUID) -> Response[bytes]:
    """Statement of a wallet with proofs."""
    _require_readable(actor_of(request), "get_statement_evidence", wallet_id)
    return Response(await ledger.statement_evidence(wallet_id), media_type=MediaType.JSON)


@get("/v1/ledger/assets/{asset_id:uuid}/register")
async def get_register(
    ledger: LedgerService, request: HttpRequest, asset_id: UUID, at: str | None = None
) -> contract.HolderRegister:
    """Holder register at a past instant or now."""
    access.require(actor_of(request), "get_register", access.Resource("Asset"))
    size = await ledger.size() if at is None else await ledger.size_at(instant_of(at, "at"))
    return contract.HolderRegister(
        asset_id=asset_id,
        size=size,
        lines=[
            contract.RegisterLine(
                wallet_id=row.wallet, position=contract.PositionName(row.position), balance=str(row.balance)
            )
            for row in await ledger.register(asset_id, size=size)
        ],
    )


def _own_wallet(actor: Actor) -> UUID | None:
    return None if actor.participant_id is None else wallet_id_of(actor.participant_id)


def _require_readable(actor: Actor, action: str, wallet: UUID) -> None:
    if not access.scope(actor, action, "Wallet").everything and wallet != _own_wallet(actor):
        raise WalletNotFound(facts={"wallet": str(wallet)})


def _touches(actor: Actor, body: bytes) -> bool:
    own = _own_wallet(actor)
    return own is not None and read_entry(body.decode()).touches(str(own))


HANDLERS: Final = (
    get_checkpoint,
    list_verifier_keys,
    get_tile,
    get_consistency_proof,
    get_entry,
    get_entry_evidence,
    list_wallet_balances,
    get_statement_evidence,
    get_register,
)


def ledger_routes(ledger: LedgerService) -> ServiceRoutes:
    """The routes, bound to the ledger of this process."""
    return ServiceRoutes(
        name="ledger",
        handlers=HANDLERS,
        dependencies={"ledger": Provide(lambda: ledger, sync_to_thread=False)},
    )
