"""The registry's own database and its source of secrets."""
