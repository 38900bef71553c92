"""From a photograph to an aligned gray face and its 68 landmarks."""
