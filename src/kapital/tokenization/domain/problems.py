"""Refusals of tokenization. The code names the rule that must hold."""

from kapital.kernel.problems import Family, Problem, Retry


class IssueNotFound(Problem):
    """No such issue, or not one that the caller may see."""

    code = "issue_not_found"
    title = "No such issue"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class IssueCodeTaken(Problem):
    """Another issue has this code. Facts: `code`."""

    code = "issue_code_must_be_new"
    title = "Another issue already has this code"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DecisionMustBeEditable(Problem):
    """The terms can be replaced only before the operator's review, or after a return. Facts: `state`."""

    code = "decision_must_be_editable"
    title = "The decision can no longer be changed"
    retry = Retry.NEVER
    family = Family.CONFLICT


class TermsMustHaveNoFault(Problem):
    """The terms disagree with the law or with themselves; `errors` lists every fault."""

    code = "terms_must_have_no_fault"
    title = "The terms of the decision have faults"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DecisionHashMustMatch(Problem):
    """The person saw another version than the one that is kept. Facts: `seen`, `kept`."""

    code = "decision_hash_must_match"
    title = "The decision is not the one that you saw"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DecisionMustBePrintable(Problem):
    """A sign of the texts stands in none of the fonts that the document is set with; the detail names it."""

    code = "decision_must_be_printable"
    title = "A sign of the decision's texts cannot be printed"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DecisionNotPrinted(Problem):
    """The version is from before drafts were printed; it is printed when it is published."""

    code = "decision_not_printed"
    title = "This version of the decision has no printed text yet"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


class ReviewMustBeNext(Problem):
    """ISSUE_MANAGER reviews first, LEGAL second, each once. Facts: `next`."""

    code = "review_must_be_next"
    title = "This review is not the next one"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ReviewNeedsEveryItem(Problem):
    """An acceptance answers each item of the checklist, and each holds. Facts: `items`, `missing`."""

    code = "review_needs_every_item"
    title = "The checklist is not answered in full"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ReturnNeedsReason(Problem):
    """A return says what is wrong."""

    code = "return_needs_reason"
    title = "A return needs its reason"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class IssuerWalletMustBeOpen(Problem):
    """The issuer has no open wallet to be paid to."""

    code = "issuer_wallet_must_be_open"
    title = "The issuer's wallet is not open"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class PublicationMustPrecedePlacement(Problem):
    """The placement would begin before anybody could read the decision. Law: 259-FZ art. 3."""

    code = "publication_must_precede_placement"
    title = "The placement would end before the decision is published"
    retry = Retry.NEVER
    family = Family.CONFLICT


class IssueMustHaveNoAcceptedOrder(Problem):
    """After the first accepted order the issue is decided by its terms."""

    code = "issue_must_have_no_accepted_order"
    title = "Orders have been accepted"
    retry = Retry.NEVER
    family = Family.CONFLICT


class LedgerRefused(Problem):
    """The ledger refused a record that tokenization needs. Facts: `ledger_code` and those of the ledger."""

    code = "ledger_refused_record"
    title = "The register refused the record"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class PlacementMustBeOpen(Problem):
    """Orders are taken and withdrawn only while the placement is open. Facts: `state`."""

    code = "placement_must_be_open"
    title = "The placement is not open"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OrderBelowMinimum(Problem):
    """Facts: `units`, `min_units`."""

    code = "order_below_minimum"
    title = "The order is below the minimum of the decision"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OrderAboveMaximum(Problem):
    """Facts: `units`, `max_units`."""

    code = "order_exceeds_maximum"
    title = "The order exceeds the maximum of the decision"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OrderExceedsIdentificationLimit(Problem):
    """115-FZ art. 7(1.1): a simplified identification has a limit. Facts: `amount_kopecks`, `limit_kopecks`."""

    code = "order_exceeds_identification_limit"
    title = "The order exceeds what the participant's identification allows for one operation"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OrderNeedsMaximumPrice(Problem):
    """The price of this issue follows a quote, so that an order says the most that it pays for a unit.

    Facts: `price_min_kopecks`, `price_max_kopecks`.
    """

    code = "order_needs_maximum_price"
    title = "Say the greatest price that you pay for a unit"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OrderPriceMustBeInCorridor(Problem):
    """No unit is placed at such a price. Facts: `max_price_kopecks`, `price_min_kopecks`, `price_max_kopecks`."""

    code = "order_price_must_be_in_corridor"
    title = "The greatest price of the order is outside of the prices that the decision allows"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class QuoteMustBeRecent(Problem):
    """A quote of the future, or one that would serve no more. Facts: `quoted_at`, `valid_for_s`."""

    code = "quote_must_be_recent"
    title = "The quote is not of this moment"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class QuoteMustBeNew(Problem):
    """A later quote is published already. Facts: `quoted_at`, `last`."""

    code = "quote_must_be_new"
    title = "A quote of this instant or a later one is published already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class QuoteOutOfCorridor(Problem):
    """The price by this quote is not one that the decision allows. Facts: `value`, `min`, `max`, `price_kopecks`."""

    code = "quote_out_of_corridor"
    title = "The price by this quote is outside of the prices that the decision allows"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class IssueMustBeQuoted(Problem):
    """The decision fixes the price."""

    code = "issue_must_be_quoted"
    title = "The price of this issue does not follow a quote"
    retry = Retry.NEVER
    family = Family.CONFLICT


class OrderExceedsRetailLimit(Problem):
    """5635-U: what an unqualified person acquires in a year has a limit. Facts: `amount_kopecks`, `limit_kopecks`,
    `used_kopecks`, `left_kopecks`, `window`, `basis`.
    """

    code = "order_exceeds_retail_limit"
    title = "The order exceeds what is left of your yearly limit"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class InvestorTestMustBePassed(Problem):
    """A rule in force lets only qualified investors, and who passed the test, acquire these units. Facts: `basis`."""

    code = "investor_test_must_be_passed"
    title = "Pass the test of investors before you acquire these units"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class OrderMoneyInsufficient(Problem):
    """The price is above what the investor has free: the ledger's refusal. Facts: `asked`, `balance`, kopecks."""

    code = "balance_insufficient"
    title = "There is too little free money for this order: pay in, or order less"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OrderMustBeWholeLots(Problem):
    """Facts: `units`, `lot`."""

    code = "order_must_be_whole_lots"
    title = "The order must be a whole number of lots"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OrderAmountTooLarge(Problem):
    """The price of the order does not fit into the range of money."""

    code = "order_amount_too_large"
    title = "The amount of the order is too large"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class WalletMustBeOpen(Problem):
    """The investor has no open wallet."""

    code = "wallet_must_be_open"
    title = "Your wallet is not open"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ParticipantMustBeActive(Problem):
    """The participant may not buy, or not change orders, now. One neutral refusal for every reason of standing."""

    code = "participant_must_be_active"
    title = "This operation is not available to you now"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class IdentificationMustBeValid(Problem):
    """The identification is missing or has expired. Law: 115-FZ art. 7."""

    code = "identification_must_be_valid"
    title = "Your identification is not valid"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class InvestorMustBeQualified(Problem):
    """The decision allows qualified investors only. Law: 259-FZ art. 4, 5635-U."""

    code = "investor_must_be_qualified"
    title = "Only qualified investors may acquire these units"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class InvestorKindMustBeAllowed(Problem):
    """The decision does not allow this kind of person. Facts: `kind`."""

    code = "investor_kind_must_be_allowed"
    title = "The decision does not allow this kind of acquirer"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class RuleBookNotAccepted(Problem):
    """Facts: `in_force`. A newer version of the rules is in force than the one that the participant accepted."""

    code = "rule_book_not_accepted"
    title = "The rule book version in force must be accepted before the next order"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class IssuerMustNotAcquire(Problem):
    """The issuer does not acquire its own units at placement."""

    code = "issuer_must_not_acquire"
    title = "The issuer cannot acquire its own units"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class BatchTooLarge(Problem):
    """Facts: `count`, `limit`."""

    code = "order_batch_too_large"
    title = "Too many orders in one command"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class TooManyOrders(Problem):
    """More orders wait than can be worked on soon."""

    code = "too_many_orders_waiting"
    title = "Too many orders wait; try again soon"
    retry = Retry.SAME_REQUEST
    family = Family.LIMITED


class OrderNotFound(Problem):
    """No such order of this participant."""

    code = "order_not_found"
    title = "No such order"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class OrderMustBeAccepted(Problem):
    """Only an accepted order can be withdrawn. Facts: `state`."""

    code = "order_must_be_accepted"
    title = "The order is not an accepted one"
    retry = Retry.NEVER
    family = Family.CONFLICT


class OrderMustPassReview(Problem):
    """Two persons of the operator rejected the order. One neutral refusal for every reason: 115-FZ art. 4."""

    code = "order_must_pass_review"
    title = "The operator has rejected the order"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class OrdersMustBeRevocable(Problem):
    """The decision does not allow withdrawal."""

    code = "orders_must_be_revocable"
    title = "The decision does not allow orders to be withdrawn"
    retry = Retry.NEVER
    family = Family.CONFLICT


class FixingNotFound(Problem):
    """No such recorded value."""

    code = "fixing_not_found"
    title = "No such recorded value"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class FixingAlreadyRecorded(Problem):
    """A value of this series and day, or outcome of this issue, waits or counts already. Facts: `fixing_id`."""

    code = "fixing_must_be_new"
    title = "This value is already recorded"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class FixingSeriesMustBeKnown(Problem):
    """Nobody here can confirm a value of this series. Facts: `series`, `known`."""

    code = "fixing_series_must_be_known"
    title = "The source of this value is not known here"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FixingDayMustBePast(Problem):
    """A value of a day to come cannot be known. Facts: `observed_on`, `today`."""

    code = "fixing_day_must_not_be_future"
    title = "The value of a future day cannot be recorded"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FixingDayMustBeBusiness(Problem):
    """A source publishes no value of a day that is no business day, and no decision asks for one.

    Facts: `series`, `observed_on`.
    """

    code = "fixing_day_must_be_business"
    title = "The source publishes no value of that day"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FixingMustBePublished(Problem):
    """The source publishes the value of that day later. Facts: `series`, `observed_on`, `published_on`.

    RUONIA of a day is published on the next business day, by the Bank of Russia's method.
    """

    code = "fixing_must_be_published"
    title = "The source has not published the value of that day yet"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FixingValueMustMatch(Problem):
    """The confirmer saw another value. Facts: `seen`, `kept`."""

    code = "fixing_value_must_match"
    title = "The value is not the one that you saw"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OrderReviewNotFound(Problem):
    """No such review of an order."""

    code = "order_review_not_found"
    title = "No such review of an order"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class OrderReviewMustMatch(Problem):
    """The proposal is not the one whose hash is named: it was returned and made anew."""

    code = "order_review_must_match"
    title = "The proposal is not the one that you saw"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class SignatureMustHold(Problem):
    """Orders whose signature does not hold cannot go on. Facts: `reasons`."""

    code = "signature_must_hold"
    title = "The signature of the order does not hold; it cannot go on"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OutcomeMustBeListed(Problem):
    """The decision does not list this outcome, or does not depend on an event."""

    code = "outcome_must_be_listed"
    title = "The decision does not list this outcome"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE
