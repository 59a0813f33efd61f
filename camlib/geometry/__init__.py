"""Where a cell looks: receptive fields, and maps laid at their cells' true centres.
Everything spatial goes through here; nothing here knows what a map means.
"""
