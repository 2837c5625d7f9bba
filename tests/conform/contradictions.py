# SPDX-License-Identifier: Apache-2.0
"""Patterns of os-ken that contradict the specification: (version, file, pattern) and why. One that
passes nevertheless is an error."""

CONTRADICTIONS = {
}
