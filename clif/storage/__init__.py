"""What lies on disk: written whole, sealed by checksums, held by one process, kept inside of its folder."""
