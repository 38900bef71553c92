"""How well heatmaps on the canonical face agree with Ekman masks, and what that is worth.

Everything here is a pure function of arrays and tables. A set of heatmaps is a mapping from
`(network, fold, expression)` to a (H, W) array; what a run lacks is simply not in it.
"""
