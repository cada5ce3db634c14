"""The networks: backbone, context head, patch-wise operators, decoder, variants, checkpoints."""
