"""Which cases are played: the table that each run begins with, and random ones after it."""

import random
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import Final

from kapital.faults.finding import BankKind, Case
from kapital.platform.failpoint_names import FAILPOINTS
from kapital.sandbox.bank.faults import SCRIPTS

NONE: Final = "none"
"""The bank does nothing wrong, or nobody dies."""
PLACED_FIRST: Final = Case(workload="placement", script=NONE, failpoint=NONE, nth=1)
"""What a world without any units plays, with no death, before it trades or pays."""
PER_SCRIPT: Final = 2
NTH_MAX: Final = 3

_MONEY_IN: Final = ("read", "kept", "entered", "booked")
_MONEY_OUT: Final = ("requested", "locked", "checked", "sent", "bank_answered", "entered", "confirmed")
_OF_LEDGER: Final = tuple(one.name for one in FAILPOINTS if one.name.startswith("ledger."))
_OF_BUS: Final = tuple(one.name for one in FAILPOINTS if one.name.startswith("bus."))
_EVERYWHERE: Final = (*_OF_LEDGER, *_OF_BUS)
OF_MONEY: Final = (
    *(f"settlement.incoming.{step}" for step in _MONEY_IN),
    *(f"settlement.withdrawal.{step}" for step in _MONEY_OUT),
    "settlement.reconciliation.compared",
    "settlement.reconciliation.kept",
    *_OF_LEDGER,
    "bus.events.numbered",
)
"""Nobody listens to what happens to money alone: events are numbered, and none is taken."""
OF_PLACEMENT: Final = (
    "tokenization.order.kept",
    "tokenization.order.reserved",
    "tokenization.order.decided",
    "tokenization.placement.closed",
    "settlement.allocation.entered",
)
OF_DVP: Final = (
    "settlement.dvp.decided",
    "settlement.dvp.started",
    "settlement.dvp.entered",
    "settlement.dvp.settled",
)
_ESCROW: Final = "settlement.escrow."
OF_ESCROW: Final = (
    *(f"{_ESCROW}{step}" for step in ("lock_asked", "locked", "reserve_sent", "bank_answered", "reserved")),
    *(f"{_ESCROW}{step}" for step in ("entered", "recorded", "release_sent", "release_answered", "released")),
    *(f"{_ESCROW}{step}" for step in ("settled", "rolling_back", "unlocked", "cancelled")),
)
_HOLDS_ENQUIRED, _HOLDS_TOLD = f"{_ESCROW}enquired", f"{_ESCROW}notices_kept"
OF_ESCROW_SCRIPT: Final = {
    "never-arrived": (_HOLDS_ENQUIRED,),
    "restarts": (_HOLDS_ENQUIRED,),
    "slow": (_HOLDS_ENQUIRED, _HOLDS_TOLD),
    "time-out-after-debit": (_HOLDS_ENQUIRED,),
}
"""Failpoints of holds that are met only when the bank does that: in a tick in which all goes well nobody enquires."""
_CALLED_BACK: Final = ("settlement.bank_notice.kept_raw", "settlement.bank_notice.kept")
OF_SBP: Final = (
    *(f"settlement.sbp_top_up.{step}" for step in ("kept", "code_made", "activated")),
    *_CALLED_BACK,
    *(f"settlement.sbp_withdrawal.{step}" for step in ("planned", "answered")),
    *(f"settlement.withdrawal.{step}" for step in ("locked", "sent", "bank_answered", "entered", "confirmed")),
    *(f"settlement.incoming.{step}" for step in ("kept", "entered", "booked")),
)
OF_STATEMENT: Final = tuple(
    f"settlement.statement.{step}" for step in ("kept_raw", "kept", "matched", "page_kept", "booked")
)
OF_SHARES: Final = tuple(
    f"settlement.shares.{step}"
    for step in ("followed", "distributed", "planned", "opened", "accepted", "completed", "told")
)
OF_FILES: Final = (
    *(f"settlement.file_order.{step}" for step in ("kept", "staged", "handed")),
    *(f"settlement.bank_file.{step}" for step in ("taken_in", "put_away")),
)
NOT_STATED: Final = frozenset({"clock-skew", "duplicate-notices", "wrong-sums"})
"""In these the bank's own books differ from what it told, so that its statement opens differences, for persons."""
OF_COUPON: Final = (
    "tokenization.payout.set_aside",
    "tokenization.payout.reserved",
    "settlement.payouts.withheld",
    "settlement.payouts.entered",
)
_ENQUIRED, _REJECTED, _BACK = (f"settlement.withdrawal.{step}" for step in ("enquired", "rejected", "re_credited"))
OF_SCRIPT: Final = {
    "never-arrived": (_ENQUIRED,),
    "rejected": (_REJECTED, _BACK, _ENQUIRED),
    "restarts": (_ENQUIRED,),
    "slow": (_ENQUIRED,),
    "time-out-after-debit": (_ENQUIRED,),
}
"""Failpoints of money that are met only when the bank does that."""


def scripts() -> list[str]:
    """The fault scripts that came with the program."""
    return sorted(path.stem for path in SCRIPTS.glob("*.yaml"))


def table(only: str | None = None) -> list[Case]:
    """The cases that each run begins with: every script with some failpoints in turn, every failpoint at least once.

    `only`: one script, with every failpoint that can be met in it.
    """
    if only is not None:
        held = [_of("escrow", only, one) for one in (*OF_ESCROW_SCRIPT.get(only, ()), *OF_ESCROW)]
        stated = [] if only in NOT_STATED else [_of("statement", only, one) for one in OF_STATEMENT]
        of_money = [_of("money", only, failpoint) for failpoint in (*OF_SCRIPT.get(only, ()), *OF_MONEY)]
        shared = [_of("shares", only, one) for one in OF_SHARES]
        by_files = [] if only in NOT_STATED else [_of("files", only, one) for one in OF_FILES]
        return [*held, *stated, *(_of("sbp", only, one) for one in OF_SBP), *of_money, *shared, *by_files]
    turn = cycle(OF_MONEY)
    cases = []
    for script in scripts():
        own = OF_SCRIPT.get(script, ())
        cases += [
            _of("money", script, failpoint) for failpoint in (*own, *islice(turn, max(0, PER_SCRIPT - len(own))))
        ]
    placed = [Case(workload="placement", script=NONE, failpoint=one, nth=1) for one in OF_PLACEMENT]
    placed += [
        Case(workload="placement", script="down", failpoint="bus.events.handled", nth=2),
        Case(workload="placement", script=NONE, failpoint="bus.events.taken", nth=1),
    ]
    traded = [Case(workload="dvp", script=NONE, failpoint=one, nth=1) for one in OF_DVP]
    paid = [Case(workload="coupon", script=NONE, failpoint=one, nth=1) for one in OF_COUPON]
    paid += [Case(workload="coupon", script="time-out-after-debit", failpoint="bus.events.committed", nth=2)]
    return [*placed, *traded, *_held(), *_stated(), *_by_sbp(), *cases, *paid, *_shared(), *_by_files()]


def kind_of(case: Case) -> BankKind:
    """How the bank of the case's world is spoken to. The table goes kind by kind: a world of each is made once."""
    return {"shares": BankKind.SHARES, "files": BankKind.FILES}.get(case.workload, BankKind.PLAIN)


def at_random(chance: random.Random, *, placements: int, placed: int, coupons: int, bank_erred: bool = False) -> Case:
    """One of all cases of plain banks; a placement or a coupon only where the world has one left, a
    trade of what is placed, and a statement only where the bank's adds up."""
    kinds = ["money", "sbp"] * 3
    if placements:
        kinds += ["placement"] * 3
    elif coupons:
        kinds += ["coupon"] * 3
    if not placements and not bank_erred:  # its day ends, and what is still to be placed would be over
        kinds += ["statement"] * 3
    kinds += ["dvp", "escrow"] * (3 if placed else 0)
    workload = chance.choice(kinds)
    script = chance.choice([NONE, *(one for one in scripts() if workload != "statement" or one not in NOT_STATED)])
    points: Sequence[str] = {
        "money": (*OF_MONEY, *OF_SCRIPT.get(script, ())),
        "sbp": (*OF_SBP, *_OF_LEDGER),
        "statement": OF_STATEMENT,
        "placement": (*OF_PLACEMENT, *_EVERYWHERE),
        "dvp": (*OF_DVP, *_OF_LEDGER),
        "escrow": (*OF_ESCROW, *OF_ESCROW_SCRIPT.get(script, ()), *_OF_LEDGER),
        "coupon": (*OF_COUPON, *_EVERYWHERE),
    }[workload]
    return Case(workload=workload, script=script, failpoint=chance.choice(points), nth=chance.randint(1, NTH_MAX))


def _held() -> list[Case]:
    """Every failpoint of the escrow rail, amid what the bank may do with holds."""
    scripts_of = {
        "locked": "restarts",
        "bank_answered": "time-out-after-debit",
        "reserved": "out-of-order",
        "entered": "lost-notice",
        "recorded": "down",
        "release_sent": "duplicate-notices",
        "release_answered": "time-out-after-debit",
        "released": "rejected",
        "rolling_back": "rejected",
        "cancelled": "wrong-sums",
    }
    cases = _each("escrow", OF_ESCROW, scripts_of)
    return [
        *cases,
        _of("escrow", "never-arrived", _HOLDS_ENQUIRED),
        _of("escrow", "slow", _HOLDS_TOLD),
    ]


def _stated() -> list[Case]:
    """Every failpoint of taking a statement in; some of its money the bank's list has not told."""
    scripts_of = {"kept": "rejected", "matched": "time-out-after-debit", "page_kept": "lost-notice"}
    return _each("statement", OF_STATEMENT, scripts_of)


def _shared() -> list[Case]:
    """Every failpoint of telling the bank shares; a wrong sum leaves a payment that it does not distribute."""
    scripts_of = {
        "distributed": "restarts",
        "planned": "down",
        "accepted": "slow",
        "completed": "time-out-after-debit",
    }
    cases = _each("shares", OF_SHARES, scripts_of)
    return [*cases, _of("shares", "wrong-sums", "settlement.shares.distributed")]


def _by_files() -> list[Case]:
    """Every failpoint of the exchange folder. Of an order whose answer got lost the statement tells."""
    scripts_of = {
        "staged": "time-out-after-debit",
        "handed": "rejected",
        "taken_in": "lost-notice",
        "put_away": "slow",
    }
    return _each("files", OF_FILES, scripts_of)


def _by_sbp() -> list[Case]:
    """Every failpoint of its own of the SBP, and of those it shares with other money what the SBP adds to."""
    return [
        _of("sbp", "never-arrived", "settlement.sbp_top_up.kept"),
        _of("sbp", "time-out-after-debit", "settlement.sbp_top_up.code_made"),
        _of("sbp", "duplicate-notices", "settlement.sbp_top_up.activated"),
        _of("sbp", "altered-notices", "settlement.bank_notice.kept_raw"),
        _of("sbp", "lost-notice", "settlement.bank_notice.kept"),
        _of("sbp", "slow", "settlement.sbp_withdrawal.planned"),
        _of("sbp", "clock-skew", "settlement.sbp_withdrawal.answered"),
        _of("sbp", "slow", "settlement.withdrawal.sent"),
        _of("sbp", "restarts", "settlement.withdrawal.bank_answered"),
        _of("sbp", "rejected", "settlement.withdrawal.entered"),
        _of("sbp", "wrong-sums", "settlement.incoming.entered"),
    ]


def _each(workload: str, failpoints: Sequence[str], scripts_of: Mapping[str, str]) -> list[Case]:
    """Each failpoint once; `scripts_of` names by its last word where the bank plays a script."""
    return [_of(workload, scripts_of.get(one.rpartition(".")[2], NONE), one) for one in failpoints]


def _of(workload: str, script: str, failpoint: str) -> Case:
    return Case(workload=workload, script=script, failpoint=failpoint, nth=1)
