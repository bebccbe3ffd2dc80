"""The decision as people read it: Russian Markdown, bound to the hash of the machine form."""

from kapital.tokenization.domain.terms import IssuanceTerms


def render(terms: IssuanceTerms, *, decision_sha256: str) -> str:
    """Render every section of the decision; the text names the hash of `decision_bytes(terms)`."""
    raise NotImplementedError
