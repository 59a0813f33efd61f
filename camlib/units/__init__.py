"""One unit at a time: first-layer filters, the patches that excite it, what it detects, what it is worth.
A verb that answers for each unit of a layer lives here; whole codes are in `embeddings`.
"""
