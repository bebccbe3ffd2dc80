"""Instants as parameters of a query."""

from datetime import UTC, datetime

import msgspec

from kapital.contracts.base import AwareDatetime
from kapital.kernel.problems import FieldFault
from kapital.platform.http.problems import ParameterMustMatchContract


def instant_of(given: str, name: str) -> datetime:
    """The framework would let a number of seconds pass, and an instant without an offset; year 1 has none before it.

    Raises: ParameterMustMatchContract.
    """
    try:
        return msgspec.convert(given, AwareDatetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        fault = FieldFault(f"/parameters/{name}", "an instant with its offset, RFC 3339")
        raise ParameterMustMatchContract(errors=[fault]) from None
