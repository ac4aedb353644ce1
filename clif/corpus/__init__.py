"""From files to memory-mapped token ids."""
