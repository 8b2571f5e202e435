"""Where: surfaces, change by area, access and gaps. Drawing is in `mapping.maps`, which is not imported here."""

from mapping.access import service_access as service_access
from mapping.access import slot_access as slot_access
from mapping.access import slot_supply as slot_supply
from mapping.access import straight_line_cost as straight_line_cost
from mapping.bandwidths import likelihood_bandwidth as likelihood_bandwidth
from mapping.bandwidths import normal_bandwidth as normal_bandwidth
from mapping.bandwidths import oversmoothing_bandwidth as oversmoothing_bandwidth
from mapping.change import area_change as area_change
from mapping.change import hot_spots as hot_spots
from mapping.change import pattern_similarity as pattern_similarity
from mapping.distances import service_distance_shift as service_distance_shift
from mapping.gaps import service_gap as service_gap
from mapping.sequences import change_classes as change_classes
from mapping.shifts import centre_shift as centre_shift
from mapping.spread import spread_surface as spread_surface
from mapping.surfaces import displacement_surface as displacement_surface

__all__ = [
    "area_change",
    "centre_shift",
    "change_classes",
    "displacement_surface",
    "hot_spots",
    "likelihood_bandwidth",
    "normal_bandwidth",
    "oversmoothing_bandwidth",
    "pattern_similarity",
    "service_access",
    "service_distance_shift",
    "service_gap",
    "slot_access",
    "slot_supply",
    "spread_surface",
    "straight_line_cost",
]
