"""CamVid at 960x720 from the Cambridge archives, its 32 colours merged into the 11 classes that most papers score."""

from hyperseg.data.reading import Reading
from hyperseg.datasets.camvid_classes import CLASSES, VOID
from hyperseg.datasets.published.published import Archive, Published

DATASET = Published(
    id="camvid",
    title="CamVid (960x720, 11 merged classes)",
    short_title="CamVid, 11 merged classes",
    homepage="http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
    licence="No licence is stated; the authors offer the database for research and ask for two citations.",
    citation=(
        "Brostow, Fauqueur, Cipolla: Semantic object classes in video: a high-definition ground truth database. "
        "Pattern Recognition Letters 30(2), 2009. Brostow, Shotton, Fauqueur, Cipolla: Segmentation and recognition "
        "using structure from motion point clouds. ECCV 2008."
    ),
    classes=CLASSES,
    void=VOID,
    splits=({"train": 367, "val": 101, "test": 233},),
    sizes=("960x720",),
    archives=(
        Archive(
            file="701_StillsRaw_full.zip",
            urls=(
                "http://web4.cs.ucl.ac.uk/staff/g.brostow/MotionSegRecData/files/701_StillsRaw_full.zip",
                "https://github.com/johnwlambert/camvid-dataset-mirror/releases/download/v1.0.0/701_StillsRaw_full.zip",
            ),
            size="557 MB",
            note="The first host has been reported to answer with a web page; the second is a mirror.",
        ),
        Archive(
            file="LabeledApproved_full.zip",
            urls=(
                "http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/data/LabeledApproved_full.zip",
                "http://web4.cs.ucl.ac.uk/staff/g.brostow/MotionSegRecData/data/LabeledApproved_full.zip",
            ),
            size="16 MB",
            note=(
                "One public source reports 16567585 bytes and sha256 "
                "0792d4a2eb7150f417cc4745ac5ce51ec3bb4b2aa099c775d212b69c5afe6526; not enforced, as no second one does."
            ),
        ),
    ),
    alternative=(
        "the Kaggle re-pack carlolepelaars/camvid as a zip of any name (train/, train_labels/*_L.png, val/, ..., "
        "class_dict.csv)"
    ),
    readings={"paper": Reading(void="class", geometry="resize", normalization="imagenet")},
    prepare="hyperseg.datasets.camvid:prepare_merged",
)
