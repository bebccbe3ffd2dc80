"""Disclosure: public pages of issues – the decision, its documents, what came of the placement, the payouts.

Duties: free access to decisions on issuance and their fate; documents byte for byte. A pure read model: it can be
rebuilt from the events of others and the object store.
Own tables: issue_page, page_document, page_signature, page_event, page_total (and the platform tables).
Events in: tokenization decision_published, issue_state_changed, allocation_decided, payouts_instructed;
settlement allocation_settled, payouts_settled, payouts_refused. Events out: none.
Law: 259-FZ art. 3 (free access to the decision until all obligations are performed; no offer before publication).
Not: who holds what. Wallets, orders and balances never reach these tables, only sums.
"""
