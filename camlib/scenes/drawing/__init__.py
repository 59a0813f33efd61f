"""How a scene is drawn: what is in it (`recipe`), its shapes (`critter`, `backdrop`), the picture (`paint`).

Nothing here imports torch, so the processes that draw start at once.
"""
