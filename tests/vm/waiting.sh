# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# In the guest: waiting for what comes by itself. Sourced by scripts that have a fail().

until_true() { # WHAT COMMAND...
	local what=$1
	shift
	for _ in $(seq 80); do
		if "$@"; then return; fi
		sleep 0.2
	done
	fail "not in time: $what"
}
