"""Records in other formats: RO-Crate, CODECHECK, Hugging Face. Reads records only; imports no torch."""
