"""The write side: one command a file. Order: replay, lock, permit, decide, save, audit, outbox, reply."""
