"""Whether other decoders read the same pixels from the same files."""
