"""Records in the formats of others: RO-Crate, CODECHECK, Hugging Face. Knows records alone; imports no torch."""
