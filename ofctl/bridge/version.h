/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions that are shown.
 */
#ifndef SLUICE_OFCTL_BRIDGE_VERSION_H
#define SLUICE_OFCTL_BRIDGE_VERSION_H

#include <rte_version.h>

#define SLUICE_STRINGIFY(x) #x
#define SLUICE_STRING(x) SLUICE_STRINGIFY(x)

/* SLUICE_VERSION comes from meson. */

/* What tools that expect Open vSwitch read: the series whose schema and tools this is made for. */
#define SLUICE_OVS_VERSION "3.1.0-sluice-" SLUICE_VERSION
#define SLUICE_DB_VERSION "8.3.1"
#define SLUICE_DPDK_VERSION                                                                     \
	"DPDK " SLUICE_STRING(RTE_VER_YEAR) "." SLUICE_STRING(RTE_VER_MONTH) "." SLUICE_STRING( \
		RTE_VER_MINOR)

#endif
