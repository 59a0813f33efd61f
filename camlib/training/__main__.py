"""`python -m camlib.training [NAME …]`: make the shipped weights again."""

from .everything import main

main()
