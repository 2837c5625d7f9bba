/* SPDX-License-Identifier: Apache-2.0
 *
 * The drivers of this build, in one list.
 */
#include "hal/hal_driver.h"

extern const struct hal_driver ebpf_driver;
extern const struct hal_driver sim_driver;
extern const struct hal_driver tc_driver;

const struct hal_driver *const hal_drivers[] = {
#ifdef SLUICE_SIM
	&sim_driver,
#endif
#ifdef SLUICE_TC
	&tc_driver,
#endif
#ifdef SLUICE_EBPF
	&ebpf_driver,
#endif
	NULL,
};
