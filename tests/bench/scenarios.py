# SPDX-License-Identifier: Apache-2.0
"""All scenarios, in the order of the table."""
import control
import explosion
import features
import insert
import kernel
import million
import offloaded
import rates

ALL = rates.SCENARIOS + features.SCENARIOS + control.SCENARIOS + million.SCENARIOS + \
    explosion.SCENARIOS + kernel.SCENARIOS + offloaded.SCENARIOS + \
    insert.SCENARIOS
