"""Names that may stand in the register: they can be seen, and are what they look like."""

from kapital.kernel.names import has_unseen, is_disguised, is_mixed
from kapital.registry.domain.problems import NameBlank, NameUnreadable


def require_readable_name(name: str) -> None:
    """Return if a name can be entered.

    Raises: NameBlank, NameUnreadable – in this order of precedence.
    """
    if not name.strip():
        raise NameBlank
    if is_mixed(name) or is_disguised(name) or has_unseen(name):
        raise NameUnreadable
