# SPDX-License-Identifier: Apache-2.0
#
# Sourced by scripts that use "ip netns exec", with their arguments: . tests/lib/root.sh "$@"
#
# That command makes mounts of its own, which works only if the root directory is a mount point. In
# a chroot it need not be one; then the script starts again where it is.
if ! unshare --mount true 2>/dev/null; then
	if [ "${SLU_ROOT:-}" ] || [ /proc/self/ns/mnt -ef /proc/1/ns/mnt ]; then
		echo "$0: cannot make mounts (as a chroot, give it a mount namespace of its own:" \
			"unshare --mount chroot DIR ...)" >&2
		exit 2
	fi
	# shellcheck disable=SC2016
	SLU_ROOT=1 exec unshare --mount --propagation unchanged \
		sh -c 'mount --rbind / /mnt && exec chroot /mnt "$0" "$@"' "$(readlink -f "$0")" "$@"
fi
unset SLU_ROOT
