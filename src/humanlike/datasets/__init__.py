"""From data sets as they were unpacked to one table of photographs, subjects and expressions."""

from humanlike.datasets.reading import Listing, places, read, read_set

__all__ = ["Listing", "places", "read", "read_set"]
