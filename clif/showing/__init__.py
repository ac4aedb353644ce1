"""How results show themselves: blocks for notebooks and prompts, small charts, pictures, sentences."""
