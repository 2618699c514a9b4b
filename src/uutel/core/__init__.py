"""The path every completion takes, free of any vendor."""
