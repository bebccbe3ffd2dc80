"""How a rule of the book says no."""


class Refusal(Exception):
    """A rule said no. Caught where a transaction is planned, never shown to a caller as an exception."""

    def __init__(self, code: str, detail: str, **facts: str | int) -> None:
        super().__init__(detail)
        self.code, self.detail, self.facts = code, detail, facts
