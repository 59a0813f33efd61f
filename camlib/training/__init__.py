"""How each shipped weight file was made, to the seed: `python -m camlib.training`.
Recipes and what only training needs live here; the networks themselves are in `networks`.
"""
