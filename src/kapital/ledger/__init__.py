"""The register of record: who holds what, in one gapless, provable order.

Duties: enters, amends and extinguishes records (259-FZ art. 4), refuses what would break the register, and
proves every record with an RFC 9162 log. Nothing is a right until its entry is committed here.
Own tables: head, batch, entry, account, wallet, asset, tile, history, account_digest, checkpoint.
Others use only `kapital.ledger.api`.
"""
