"""Schema of disclosure's database."""
