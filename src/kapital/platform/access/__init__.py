"""Who may do what: one policy engine (Cedar), deny by default. ADR 0013.

For the authors of use cases and queries:

    tx.access.require(cmd.actor, "decide_kyc")                                     # a command, in its transaction
    tx.access.require(cmd.actor, "sign_decision", of_issue(issue), hidden=IssueNotFound)
    allowed = tx.access.decide(cmd.actor, "withdraw_orders", [of_order(order) for order in orders])

    access.require(actor, "list_kyc_cases")                                        # a query
    whose = access.scope(actor, "list_withdrawals", "Withdrawal")                  # rows: all, or the actor's own

The action is the `operationId` of the contract (or the name of a console's command). What a policy may look at are
the attributes of `Resource`; each kind and attribute stands in `policies/*.cedarschema`. A question about a change is
asked through the transaction only, so that its decision is recorded with the effect – and a refusal without one.
"""

from kapital.platform.access.policies import Policies, PoliciesUnusable, load_policies
from kapital.platform.access.questions import SERVICE, ActorRef, Resource, of_row
from kapital.platform.access.reading import (
    ANONYMOUS,
    Scope,
    allows,
    current_policies,
    require,
    scope,
    use_policies,
)
from kapital.platform.access.recording import Asking

__all__ = [
    "ANONYMOUS",
    "SERVICE",
    "ActorRef",
    "Asking",
    "Policies",
    "PoliciesUnusable",
    "Resource",
    "Scope",
    "allows",
    "current_policies",
    "load_policies",
    "of_row",
    "require",
    "scope",
    "use_policies",
]
