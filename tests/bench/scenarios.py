# SPDX-License-Identifier: Apache-2.0
"""All scenarios, in the order of the table."""
import rates

ALL = rates.SCENARIOS
