"""Run a network as far as a layer, from a layer on, or only where a picture changed.
Hooks, cuts and reuse of what was computed live here; what the numbers mean, further down.
"""
