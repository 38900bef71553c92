"""Photographs of faces that never lived, drawn from action units.

The way down: `identity` and `action_units` say who and what, `geometry` turns them into curves
and landmarks, `relief` into heights, `shading` lights those, `paint` and `body` colour
them, `view` places them in an image, and `render` does all of it. `sample` and `contrasts` draw
whole data sets.
"""
