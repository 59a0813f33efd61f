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
    "ART", "BAKERY", "BAR", "BIO", "BOOKS", "BOX", "Bakery", "Bar", "Books", "CAFE", "CINEMA",
    "CYCLES", "Cafe", "DELI", "Deli", "EXOTICA", "FLORIST", "FOX", "Florist", "GALLERY", "GARAGE",
    "GYM", "Gym", "HATS", "HOTEL", "Hats", "INK", "INN", "Inn", "JAZZ", "JEWELS", "Jam", "KIOSK",
    "Kiosk", "LUX", "MARKET", "MODE", "MUSEUM", "Mode", "Music", "OPTIK", "PIZZA", "POST", "PUB",
    "Pub", "QUILTS", "Quilts", "RADIO", "Radio", "SHOES", "SKI", "SPA", "Spa", "TAILOR", "TAXI",
    "TEA", "TOYS", "Tea", "VELVET", "VINO", "VINYL", "Velvet", "Vino", "WOOL", "Wine", "YOGA",
    "Yoga", "ZOO",
)  # fmt: skip
