"""What a network looked at: one module per method, and the runtimes that they ask.

An explainer maps (predictor, images, classes) to a weight for each superpixel of each face.
"""
