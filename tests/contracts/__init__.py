"""The contracts: served as they say, told as they say, and not broken unnoticed."""
