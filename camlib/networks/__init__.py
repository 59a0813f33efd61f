"""Classifiers as `Net`: loaded, wrapped, their layers by name, their weights, their cost.
What a network is lives here; what is done with one while it runs, in `running`.
"""
