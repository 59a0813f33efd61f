"""A network run on a picture and on versions of it that differ in a square, computing only what differs.
`runs` is the one door; graph, plan, spans, rerun and kept are behind it.
"""
