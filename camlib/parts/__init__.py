"""From a unit to a part of the thing, to point labels, to a small tracker.
What finds a place in a picture as a point lives here; its errors are measured in `scores`.
"""
