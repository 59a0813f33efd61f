"""One code for each picture: how to get it, its neighbours, what can be read off it, its map.
What treats a layer as a space of points lives here.
"""
