"""Words to write: every letter of the alphabet is among them, large and small."""

TITLES = (
    "ATLAS", "BIRDS", "CRAFT", "DUSK", "EXPO", "FJORD", "GALAXY", "HARBOUR", "INK", "JAZZ", "KITES",
    "LYNX", "MOON", "NIGHT", "OPUS", "PAVILION", "QUARTZ", "RIVERS", "SUMMER", "TRAVEL", "UMBRA",
    "VOYAGE", "WAX", "YEAR", "ZENITH",
)  # fmt: skip
WORDS = (
    "about", "above", "after", "again", "almost", "amber", "autumn", "below", "bridge", "bright",
    "candle", "castle", "clouds", "cold", "dozen", "early", "evening", "every", "field", "fjord",
    "forest", "garden", "gold", "green", "harbour", "heavy", "island", "jazz", "journey", "jump",
    "kept", "kite", "lamp", "large", "later", "letter", "light", "little", "market", "meadow",
    "morning", "never", "night", "north", "ocean", "old", "open", "paper", "past", "path", "quick",
    "quiet", "quiz", "rain", "river", "road", "round", "seven", "silver", "six", "small", "south",
    "spring", "stone", "storm", "street", "summer", "taxi", "three", "time", "town", "travel",
    "two", "under", "until", "valley", "very", "village", "voyage", "water", "way", "west", "wind",
    "window", "winter", "wood", "world", "year", "yellow", "young", "zebra", "zero",
)  # fmt: skip
PLACES = (
    "Ashby", "Brixen", "Calw", "Delft", "Exeter", "Faro", "Ghent", "Hull", "Izmir", "Jena", "Kyoto",
    "Lviv", "Mainz", "Nara", "Oxford", "Porto", "Quito", "Riga", "Split", "Turku", "Ulm", "Vaduz",
    "Wick", "Xanten", "York", "Zug",
)  # fmt: skip
SHOPS = (
    "BAKERY", "BOOKS", "CAFE", "CINEMA", "CYCLES", "EXOTICA", "FLORIST", "GALLERY", "GARAGE",
    "HOTEL", "JAZZ", "JEWELS", "KIOSK", "LUX", "MARKET", "MUSEUM", "OPTIK", "PIZZA", "POST",
    "QUILTS", "RADIO", "SHOES", "TAILOR", "TAXI", "TEA", "TOYS", "VELVET", "VINYL", "WOOL", "YOGA",
    "ZOO", "Bakery", "Books", "Cafe", "Florist", "Kiosk", "Music", "Quilts", "Radio", "Tea",
    "Velvet", "Wine", "Yoga",
)  # fmt: skip
