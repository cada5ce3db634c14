"""CamVid's 32 named colours, and the two readings of them that are in use.

Colours: ``label_colors.txt`` of the Cambridge archive. Merge of 31 of them into the 11 classes that most papers score,
void being the 32nd: the grouping of MathWorks' CamVid example (function camvidPixelLabelIDs of "Semantic Segmentation
Using Deep Learning"), which states that it follows the original SegNet training; it is the one most often copied.
Another in print (A. Kundu's VideoParsing) leaves Archway, Bridge, Tunnel, Animal, CartLuggagePram, Child, OtherMoving,
TrafficCone and Train void and merges RoadShoulder into Road. The order of the classes is that of the SegNet
tutorial's index labels.
"""

from hyperseg.data.description import ClassInfo

Colour = tuple[int, int, int]

# name in label_colors.txt -> colour, merged class (None: void)
COLOURS: dict[str, tuple[Colour, str | None]] = {
    "Animal": ((64, 128, 64), "Pedestrian"),
    "Archway": ((192, 0, 128), "Building"),
    "Bicyclist": ((0, 128, 192), "Bicyclist"),
    "Bridge": ((0, 128, 64), "Building"),
    "Building": ((128, 0, 0), "Building"),
    "Car": ((64, 0, 128), "Car"),
    "CartLuggagePram": ((64, 0, 192), "Pedestrian"),
    "Child": ((192, 128, 64), "Pedestrian"),
    "Column_Pole": ((192, 192, 128), "Pole"),
    "Fence": ((64, 64, 128), "Fence"),
    "LaneMkgsDriv": ((128, 0, 192), "Road"),
    "LaneMkgsNonDriv": ((192, 0, 64), "Road"),
    "Misc_Text": ((128, 128, 64), "SignSymbol"),
    "MotorcycleScooter": ((192, 0, 192), "Bicyclist"),
    "OtherMoving": ((128, 64, 64), "Car"),
    "ParkingBlock": ((64, 192, 128), "Pavement"),
    "Pedestrian": ((64, 64, 0), "Pedestrian"),
    "Road": ((128, 64, 128), "Road"),
    "RoadShoulder": ((128, 128, 192), "Pavement"),
    "Sidewalk": ((0, 0, 192), "Pavement"),
    "SignSymbol": ((192, 128, 128), "SignSymbol"),
    "Sky": ((128, 128, 128), "Sky"),
    "SUVPickupTruck": ((64, 128, 192), "Car"),
    "TrafficCone": ((0, 0, 64), "Pole"),
    "TrafficLight": ((0, 64, 64), "SignSymbol"),
    "Train": ((192, 64, 128), "Car"),
    "Tree": ((128, 128, 0), "Tree"),
    "Truck_Bus": ((192, 128, 192), "Car"),
    "Tunnel": ((64, 0, 64), "Building"),
    "VegetationMisc": ((192, 192, 0), "Tree"),
    "Void": ((0, 0, 0), None),
    "Wall": ((64, 192, 0), "Building"),
}

# merged class -> the colour whose exact area the benchmark's authors score as this class, also its colour in pictures
_OWN_COLOUR = {
    "Sky": "Sky",
    "Building": "Building",
    "Pole": "Column_Pole",
    "Road": "Road",
    "Pavement": "Sidewalk",
    "Tree": "Tree",
    "SignSymbol": "SignSymbol",
    "Fence": "Fence",
    "Car": "Car",
    "Pedestrian": "Pedestrian",
    "Bicyclist": "Bicyclist",
}
CLASSES = tuple(ClassInfo(name=name, colour=COLOURS[own][0]) for name, own in _OWN_COLOUR.items())
VOID = 11  # the label value of Void, in every CamVid dataset here


def merged_values() -> dict[Colour, int]:
    """Colour -> label value of the 11 merged classes; Void is 11."""
    index = {entry.name: value for value, entry in enumerate(CLASSES)}
    return {colour: VOID if merged is None else index[merged] for colour, merged in COLOURS.values()}


def authors_values() -> dict[Colour, int]:
    """Colour -> label value as the HyperSeg authors read CamVid.

    The 11 classes' own colours and Void (11) exactly; the 20 other named colours are ignored (255), not merged.
    """
    own = {entry.colour: value for value, entry in enumerate(CLASSES)}
    return {colour: own.get(colour, VOID if merged is None else 255) for colour, merged in COLOURS.values()}
