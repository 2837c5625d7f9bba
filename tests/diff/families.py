# SPDX-License-Identifier: Apache-2.0
"""The families of programs that test_model.py runs."""
from families_ct import Conntrack, Fragments, Nat
from families_flow import Conjunction, Groups, Learning, Mpls, Nested, Registers
from families_meter import Meters, Remarks
from families_choice import Choices
from families_tunnel import Overlays, Policies, Tunnels
from family import ACTIONS, ALONE_ACTIONS, GROUP_TYPES, Family

FAMILIES = (Registers, Conntrack, Groups, Nested, Nat, Conjunction, Mpls, Learning, Tunnels,
            Conntrack, Registers, Nat, Fragments, Nested, Groups, Meters, Overlays)
# What another right switch may do otherwise: software is the reference.
ALONE = (Remarks, Choices, Policies)

__all__ = ["ACTIONS", "ALONE", "ALONE_ACTIONS", "FAMILIES", "GROUP_TYPES", "Family"]
