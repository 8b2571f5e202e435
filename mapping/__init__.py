"""Where: surfaces, change, access, gaps, needs, how many people there are. Drawing is in `mapping.maps`."""

from commonground.framework import FRAMEWORK as FRAMEWORK
from commonground.framework import Framework as Framework
from mapping.access import service_access as service_access
from mapping.access import slot_access as slot_access
from mapping.access import slot_supply as slot_supply
from mapping.access import straight_line_cost as straight_line_cost
from mapping.areal import move_counts as move_counts
from mapping.bandwidths import likelihood_bandwidth as likelihood_bandwidth
from mapping.bandwidths import normal_bandwidth as normal_bandwidth
from mapping.bandwidths import oversmoothing_bandwidth as oversmoothing_bandwidth
from mapping.calendars import bank_holidays as bank_holidays
from mapping.change import area_change as area_change
from mapping.change import hot_spots as hot_spots
from mapping.change import pattern_similarity as pattern_similarity
from mapping.context import add_context as add_context
from mapping.context import provision_gaps as provision_gaps
from mapping.coverage import coverage as coverage
from mapping.distances import service_distance_shift as service_distance_shift
from mapping.gaps import service_gap as service_gap
from mapping.group_access import group_access as group_access
from mapping.group_gaps import group_gap as group_gap
from mapping.histories import capture_histories as capture_histories
from mapping.lookups import read_lookup as read_lookup
from mapping.needs import needs_profile as needs_profile
from mapping.overlap import plan_overlap as plan_overlap
from mapping.population import population_size as population_size
from mapping.published_needs import published_profile as published_profile
from mapping.reached import people_met as people_met
from mapping.redraws import redraw_gaps as redraw_gaps
from mapping.repeats import repeat_counts as repeat_counts
from mapping.representation import representation as representation
from mapping.sequences import change_classes as change_classes
from mapping.sessions import session_stops as session_stops
from mapping.shifts import centre_shift as centre_shift
from mapping.sightings import ListFacts as ListFacts
from mapping.siting import SitingOptions as SitingOptions
from mapping.siting import site_services as site_services
from mapping.spread import spread_surface as spread_surface
from mapping.statuses import by_need as by_need
from mapping.supply import group_supply as group_supply
from mapping.supply import weekly_supply as weekly_supply
from mapping.surfaces import displacement_surface as displacement_surface

__all__ = [
    "FRAMEWORK",
    "Framework",
    "ListFacts",
    "SitingOptions",
    "add_context",
    "area_change",
    "bank_holidays",
    "by_need",
    "capture_histories",
    "centre_shift",
    "change_classes",
    "coverage",
    "displacement_surface",
    "group_access",
    "group_gap",
    "group_supply",
    "hot_spots",
    "likelihood_bandwidth",
    "move_counts",
    "needs_profile",
    "normal_bandwidth",
    "oversmoothing_bandwidth",
    "pattern_similarity",
    "people_met",
    "plan_overlap",
    "population_size",
    "provision_gaps",
    "published_profile",
    "read_lookup",
    "redraw_gaps",
    "repeat_counts",
    "representation",
    "service_access",
    "service_distance_shift",
    "service_gap",
    "session_stops",
    "site_services",
    "slot_access",
    "slot_supply",
    "spread_surface",
    "straight_line_cost",
    "weekly_supply",
]
