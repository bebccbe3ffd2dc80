"""`python -m kapital` is the command line."""

from kapital.cli import main

main()
