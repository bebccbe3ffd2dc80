"""Settlement's own tables in PostgreSQL. The sandbox bank lives in `kapital.sandbox.bank`."""
