"""What may be shown? One gate that every output passes."""

from commonground.disclosure.audit import joint_audit as joint_audit
from commonground.disclosure.bounds import attacker_bounds as attacker_bounds
from commonground.disclosure.crosstables import CrossTables as CrossTables
from commonground.disclosure.crosstables import Grounds as Grounds
from commonground.disclosure.crosstables import cross_tables as cross_tables
from commonground.disclosure.filters import filtered as filtered
from commonground.disclosure.gate import protect as protect
from commonground.disclosure.hierarchy import hierarchy_after as hierarchy_after
from commonground.disclosure.inspection import inspect as inspect
from commonground.disclosure.ledger import Ledger as Ledger
from commonground.disclosure.policy import Plan as Plan
from commonground.disclosure.policy import Profile as Profile
from commonground.disclosure.policy import profile_named as profile_named
from commonground.disclosure.protected import Protected as Protected
from commonground.disclosure.questions import Answer as Answer
from commonground.disclosure.register import Registered as Registered
from commonground.disclosure.register import register as register
from commonground.disclosure.spreading import Spread as Spread
from commonground.disclosure.spreading import spread_over as spread_over
from commonground.disclosure.utility import Utility as Utility
from commonground.disclosure.utility import utility as utility

__all__ = [
    "Answer", "CrossTables", "Grounds", "Ledger", "Plan", "Profile", "Protected", "Registered", "Spread", "Utility",
    "attacker_bounds", "cross_tables", "filtered", "hierarchy_after", "inspect", "joint_audit", "profile_named",
    "protect", "register", "spread_over", "utility",
]  # fmt: skip
