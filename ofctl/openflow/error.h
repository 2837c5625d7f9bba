/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenFlow errors on the wire.
 *
 * What: the type and code that each version gives an enum of_error, and the error message.
 * Thread-safety: const tables.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_ERROR_H
#define SLUICE_OFCTL_OPENFLOW_ERROR_H

#include "ofctl/openflow/buf.h"
#include "ofctl/openflow/message.h"

struct of_error_code {
	uint16_t type, code;
};

/* The numbers of `err` in a version; what a version lacks becomes its nearest. */
struct of_error_code of_error_code(uint8_t version, enum of_error err);
const char *of_error_text(enum of_error err);

/* Appends an error message about `request` (`len` bytes, at least a header). It carries all
 * of it that fits (64 bytes at least: OpenFlow 1.3, 7.4.4), from which stock tools print what was
 * refused; or `text` instead if that is given (hello failed). */
void of_error_encode(struct of_buf *b, uint8_t version, uint32_t xid, enum of_error err,
	const uint8_t *request, size_t len, const char *text);

#endif
