"""Why a TLS connection to the bank did not come about: the bank's certificate, or ours, was not believed.

In TLS 1.3 (RFC 8446 section 4.4.2.4) a server that refuses our certificate says so after our handshake is done, as an
alert in the place of its first answer: it is found behind the error of whatever was done next.
"""

import ssl

from kapital.settlement.domain.problems import BankAnswerNotTrusted, BankRefusesUs, BankSilent

_OURS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "DECRYPT_ERROR", "HANDSHAKE_FAILURE")


def tls_refusal(error: BaseException) -> BankSilent | None:
    """The problem, if certificates are what failed, which does not heal by itself; None for any other failure."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return BankAnswerNotTrusted(facts={"reason": "tls_certificate", "said": cause.verify_message})
        if isinstance(cause, ssl.SSLError) and "ALERT" in (said := cause.reason or ""):
            if any(word in said for word in _OURS):
                return BankRefusesUs(facts={"reason": said.lower()})
            return None
        cause = cause.__cause__ or cause.__context__
    return None
