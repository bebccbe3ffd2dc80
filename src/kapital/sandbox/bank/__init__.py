"""A bank with one nominal account, in a database of its own, that can be told to misbehave.

It keeps the promises of the port `kapital.settlement.ports.Bank`: pays once per reference, never changes the end of
a payout, lists credits in one order. What can be scripted: rejections, silence before or after the payment, payouts
that take their time, a bank that is down, notices told twice or altered, a fee taken without a notice.
"""

from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.payouts import Behaviour

__all__ = ["Behaviour", "SandboxBank"]
