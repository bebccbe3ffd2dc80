"""Which states of an issue the public sees. Before publication there is nothing to see (259-FZ art. 3)."""

from typing import Final

NOT_PUBLIC: Final = frozenset({"draft", "operator_review", "returned", "ready_to_sign", "signed"})
"""States before publication: they are not stored here."""

PUBLISHED: Final = "published"
"""The state of a page of which nothing later is known."""

MISSED: Final = frozenset({"failed", "refunding", "refunded"})
"""The placement did not reach its minimum."""

TROUBLED: Final = frozenset({"technical_default", "default", "restructured", "written_off_by_act"})
"""The issuer did not perform in time."""
