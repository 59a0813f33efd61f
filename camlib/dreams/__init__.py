"""Pictures made for the network: a unit's dream, a code's inversion; and directions in the units' place.
Whether such a picture tells the truth is asked here, too: a network whose dreams are chosen, answers kept.
"""
