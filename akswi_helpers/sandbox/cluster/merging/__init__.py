"""What becomes of an object when two versions meet: patches, applies, who owns which field."""
