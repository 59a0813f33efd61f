"""`python -m camlib.training [NAME …]`: make the shipped weights again."""

from .train import main

main()
