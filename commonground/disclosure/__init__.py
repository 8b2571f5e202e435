"""What may be shown? One gate that every output passes."""

from commonground.disclosure.bounds import attacker_bounds as attacker_bounds
from commonground.disclosure.gate import protect as protect
from commonground.disclosure.ledger import Ledger as Ledger
from commonground.disclosure.policy import Plan as Plan
from commonground.disclosure.policy import Profile as Profile
from commonground.disclosure.policy import profile_named as profile_named
from commonground.disclosure.protected import Answer as Answer
from commonground.disclosure.protected import Protected as Protected
from commonground.disclosure.register import Registered as Registered
from commonground.disclosure.register import register as register

__all__ = [
    "Answer", "Ledger", "Plan", "Profile", "Protected", "Registered", "attacker_bounds", "profile_named", "protect",
    "register",
]  # fmt: skip
