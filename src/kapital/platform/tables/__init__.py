"""Tables of the platform in every service's database, beyond those of its first revision."""
