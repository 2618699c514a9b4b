"""The replay suite: recordings of the real CLIs, played through every door. Needs no CLI and no node."""
