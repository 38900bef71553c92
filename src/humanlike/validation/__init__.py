"""Known answers: sets of drawn faces in which one region alone carries the label."""
