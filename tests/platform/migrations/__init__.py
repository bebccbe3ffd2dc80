"""A service that has the platform tables and one table of effects, for the tests of the platform."""
