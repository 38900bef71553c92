"""The standard face: its geometry, the warp that carries any face onto it, and its Ekman masks."""
