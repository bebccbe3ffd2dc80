"""The own database: set-based SQL, one file a group of tables."""
