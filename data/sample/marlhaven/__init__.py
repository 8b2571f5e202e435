"""Marlhaven, a town that does not exist, with a planted truth to find and canaries to protect."""

from .town import Town as Town
from .town import make_town as make_town
from .town import write_town as write_town

__all__ = ["Town", "make_town", "write_town"]
