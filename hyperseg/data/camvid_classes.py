"""CamVid's classes: the 11 that the field scores, in the order of the SegNet tutorial's index labels."""

from hyperseg.data.description import ClassInfo

CLASSES = tuple(
    ClassInfo(name=name, colour=colour)
    for name, colour in {
        "Sky": (128, 128, 128),
        "Building": (128, 0, 0),
        "Pole": (192, 192, 128),
        "Road": (128, 64, 128),
        "Pavement": (0, 0, 192),
        "Tree": (128, 128, 0),
        "SignSymbol": (192, 128, 128),
        "Fence": (64, 64, 128),
        "Car": (64, 0, 128),
        "Pedestrian": (64, 64, 0),
        "Bicyclist": (0, 128, 192),
    }.items()
)
CITATION = (
    "Brostow, Fauqueur, Cipolla: Semantic object classes in video: a high-definition ground truth database. "
    "Pattern Recognition Letters 30(2), 2009."
)
