"""Pictures to look at: files, photographs, digits, and the one way to stream any data set in batches.
What reads pixels or makes batches lives here; what draws new pictures is in `scenes`.
"""
