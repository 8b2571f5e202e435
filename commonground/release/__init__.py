"""How do protected values become files, and which files are kept? Rendering, and the one writer."""
