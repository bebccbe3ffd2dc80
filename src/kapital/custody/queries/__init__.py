"""The read side of custody."""
