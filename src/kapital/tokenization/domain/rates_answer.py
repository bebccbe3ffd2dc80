"""An answer of a source about rates: what it holds, and why one is refused."""

from dataclasses import dataclass, field
from typing import Final

from kapital.kernel.problems import Family, Problem, Retry
from kapital.tokenization.domain.published_values import PublishedValue

BYTES_MAX: Final = 4 * 1024 * 1024


class RatesAnswerUnreadable(Problem):
    """The file is not an answer of the Bank of Russia about rates. Facts: `reason`, and `line` or `row` if known."""

    code = "rates_answer_unreadable"
    title = "The answer about rates cannot be read"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class RatesAnswerTooLarge(Problem):
    """The file is above the size or the number of rows. Facts: `limit`."""

    code = "rates_answer_too_large"
    title = "The answer about rates is too large"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


@dataclass(frozen=True, slots=True)
class RatesAnswer:
    """What an answer holds. Shape: `values` by series and day; `deviations` are pairs of a place and a code."""

    values: list[PublishedValue]
    deviations: list[tuple[str, str]] = field(default_factory=list)
