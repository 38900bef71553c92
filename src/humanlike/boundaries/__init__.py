"""Faces between two expressions, made until networks say of them what is wanted.

`targets` says what is wanted, `seen` gives every made photograph to the detector, the landmarks
and the alignment that photographs pass, `search` finds the way there. `render`, `morph` and
`guided` are three generators behind one contract: from what they start from, the target and the
judges to a `Stimulus`. `naturalness` says how usual a made face is among the data set's own.
"""
