/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two halves of the OXM codec share.
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_OXM_H
#define SLUICE_OFCTL_OPENFLOW_OXM_H

#include "hal/field.h"

/* The largest field that has a code, bytes. */
#define OF_OXM_VALUE_MAX 16

/* Bytes of a field's value on the wire. */
unsigned of_oxm_width(enum hal_field_id field, bool nxm);

#endif
