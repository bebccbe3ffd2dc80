"""Schema of the registry's own database."""
