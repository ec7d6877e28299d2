"""A tiny encoder with random weights, and a few sentences that a tiny model learns by heart."""

SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}

# Each word with the types of the spans that it begins and ends: written so that they can be read.
SENTENCES = (
    ("Berta Lund moved to Oslo in May .", ("Berta Lund", "person"), ("Oslo", "city")),
    ("In Oslo the rain never stops .", ("Oslo", "city")),
    (
        "Old Tomas Vik teaches at the University of Bergen .",
        ("Tomas Vik", "person"),
        ("University of Bergen", "university"),
        ("Bergen", "city"),
    ),
    ("From Bergen the boat goes north , past the long river .", ("Bergen", "city")),
    ("Nobody had read the letter , and the cold tea stood there ."),
    (
        "Berta Lund wrote to Tomas Vik about the University of Oslo .",
        ("Berta Lund", "person"),
        ("Tomas Vik", "person"),
        ("University of Oslo", "university"),
        ("Oslo", "city"),
    ),
)
