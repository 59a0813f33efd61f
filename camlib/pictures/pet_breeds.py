"""The 37 breeds of the Oxford-IIIT Pet data set, and ImageNet's names for them; () where it has none.

A breed's ImageNet class is the one whose WordNet synonyms name it: the pit bull is among those of the
American Staffordshire terrier, the chin among those of the Japanese spaniel, the Mau is the Egyptian cat.
"""

__all__ = ["BREEDS"]

BREEDS: dict[str, tuple[str, ...]] = {
    "Abyssinian": (),
    "American Bulldog": (),
    "American Pit Bull Terrier": ("American Staffordshire terrier",),
    "Basset Hound": ("basset",),
    "Beagle": ("beagle",),
    "Bengal": (),
    "Birman": (),
    "Bombay": (),
    "Boxer": ("boxer",),
    "British Shorthair": (),
    "Chihuahua": ("Chihuahua",),
    "Egyptian Mau": ("Egyptian cat",),
    "English Cocker Spaniel": ("cocker spaniel",),
    "English Setter": ("English setter",),
    "German Shorthaired": ("German short-haired pointer",),
    "Great Pyrenees": ("Great Pyrenees",),
    "Havanese": (),
    "Japanese Chin": ("Japanese spaniel",),
    "Keeshond": ("keeshond",),
    "Leonberger": ("Leonberg",),
    "Maine Coon": (),
    "Miniature Pinscher": ("miniature pinscher",),
    "Newfoundland": ("Newfoundland",),
    "Persian": ("Persian cat",),
    "Pomeranian": ("Pomeranian",),
    "Pug": ("pug",),
    "Ragdoll": (),
    "Russian Blue": (),
    "Saint Bernard": ("Saint Bernard",),
    "Samoyed": ("Samoyed",),
    "Scottish Terrier": ("Scotch terrier",),
    "Shiba Inu": (),
    "Siamese": ("Siamese cat",),
    "Sphynx": (),
    "Staffordshire Bull Terrier": ("Staffordshire bullterrier",),
    "Wheaten Terrier": ("soft-coated wheaten terrier",),
    "Yorkshire Terrier": ("Yorkshire terrier",),
}
