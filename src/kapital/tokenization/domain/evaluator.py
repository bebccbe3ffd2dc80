"""Which version of the payoff code computes an issue: the one that its decision names, for life.

Law: 259-FZ art. 3 (the decision names the smart contract's code, item 8 [M]); domain.md 4, scenario 65. A version is
one file whose SHA-256 stands here and in the decision; a test holds file and hash together, and another holds the
payments of each version to a table that is never edited. Versions are added and never changed.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, get_args

from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.problems import Family, Problem, Retry, ensure
from kapital.tokenization.domain import payoff, payoff_v2
from kapital.tokenization.domain.early_options import AnyOption
from kapital.tokenization.domain.payoff import Fixings, UnitPayout
from kapital.tokenization.domain.schedule import ScheduledAction
from kapital.tokenization.domain.terms import (
    Amortising,
    Discount,
    Event,
    FixedRate,
    Floating,
    Indexed,
    IssuanceTerms,
    Payoff,
    Step,
)


class PayoffCodeUnknown(Problem):
    """The decision names a version of the payoff code that is not in this build. Facts: `code_sha256`."""

    code = "payoff_code_unknown"
    title = "The payoff code that the decision names is not here"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class Evaluator(NamedTuple):
    """One version: its number, the SHA-256 of its file, the kinds of payoff it knows, its function."""

    version: int
    file: str
    code_sha256: str
    kinds: tuple[type, ...]
    has_options: bool
    per_unit: Callable[..., UnitPayout]
    early_price: Callable[[IssuanceTerms, AnyOption], UnitPayout] | None = None
    bought_back: Callable[[int, Mapping[str, int]], dict[str, int]] | None = None


EVALUATORS: Final = (
    Evaluator(
        1,
        "payoff.py",
        "2f7a3070fc38a18e4d4d8f68f2eb3314aac28a8edca9ff0a813ee17d418b8bc3",
        (FixedRate, Discount, Amortising, Step, Floating, Indexed, Event),
        False,
        payoff.per_unit,
    ),
    Evaluator(
        2,
        "payoff_v2.py",
        "37c0ce63e2f5808215b1a94e7911bfd658a82558e3a6136e0afbf30296592ff8",
        get_args(Payoff),
        True,
        payoff_v2.per_unit,
        payoff_v2.early_price,
        payoff_v2.bought_back,
    ),
)
LATEST: Final = EVALUATORS[-1]
_BY_HASH: Final = {evaluator.code_sha256: evaluator for evaluator in EVALUATORS}

ensure(len(_BY_HASH) == len(EVALUATORS), "each version of the payoff code has a hash of its own")
ensure([e.version for e in EVALUATORS] == list(range(1, len(EVALUATORS) + 1)), "versions are numbered from 1")


def find_evaluator(terms: IssuanceTerms) -> Evaluator | None:
    """The version that computes the terms, None if it is not here or does not know their kind.

    A decision without a smart contract names none: then it is the first that knows all of its terms, which no
    later version can change.
    """
    named = terms.smart_contract_clause.code_sha256
    candidates = EVALUATORS if named is None else tuple(filter(None, [_BY_HASH.get(named)]))
    return next((evaluator for evaluator in candidates if knows(evaluator, terms)), None)


def knows(evaluator: Evaluator, terms: IssuanceTerms) -> bool:
    """Whether a version can compute everything that the terms say."""
    return isinstance(terms.payoff, evaluator.kinds) and (evaluator.has_options or not terms.has_options)


def is_known_code(code_sha256: str) -> bool:
    """Whether a version with this hash is here."""
    return code_sha256 in _BY_HASH


def per_unit(
    terms: IssuanceTerms,
    action: ScheduledAction,
    fixings: Fixings,
    outcome: str | None,
    *,
    calendar: BusinessCalendar,
) -> UnitPayout:
    """What the action pays for one unit, by the version of the code that the decision names.

    Raises: PayoffCodeUnknown, and what that version raises.
    """
    return _evaluator_of(terms).per_unit(terms, action, fixings, outcome, calendar=calendar)


def early_price(terms: IssuanceTerms, option: AnyOption) -> UnitPayout:
    """What one unit is paid when `option` ends it, by the version of the code that the decision names.

    Raises: PayoffCodeUnknown.
    """
    evaluator = _evaluator_of(terms)
    if evaluator.early_price is None:
        raise _unknown(terms)
    return evaluator.early_price(terms, option)


def shared(terms: IssuanceTerms, units: int, of: Mapping[str, int]) -> dict[str, int]:
    """How `units` fall on who has or offers more together: in proportion, the rest to the largest remainders.

    Shape: by name; who gets nothing is left out. By the version of the code that the decision names.
    Raises: PayoffCodeUnknown.
    """
    evaluator = _evaluator_of(terms)
    if evaluator.bought_back is None:
        raise _unknown(terms)
    return evaluator.bought_back(units, of)


def _evaluator_of(terms: IssuanceTerms) -> Evaluator:
    evaluator = find_evaluator(terms)
    if evaluator is None:
        raise _unknown(terms)
    return evaluator


def _unknown(terms: IssuanceTerms) -> PayoffCodeUnknown:
    named = terms.smart_contract_clause.code_sha256 or "none"
    return PayoffCodeUnknown(facts={"code_sha256": named, "kind": type(terms.payoff).__name__})
