"""Schema of custody's database."""
