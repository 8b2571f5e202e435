"""Which areas are there, and which of them holds each record?"""

from commonground.areas.boundaries import read_areas as read_areas
from commonground.areas.lattices import grid as grid
from commonground.areas.lattices import rings as rings
from commonground.areas.placing import place as place
from commonground.areas.residents import residents as residents
from commonground.systems import check_same_crs as check_same_crs

__all__ = ["check_same_crs", "grid", "place", "read_areas", "residents", "rings"]
