/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator wants captured: a port, what matches, or what is dropped.
 *
 * What: reads it from text, for the software path, and tells which rules of devices carry packets
 * of it.
 * Ownership: a capture_what owns its parts until capture_what_free().
 * Thread-safety: control thread, but for capture_what_concerns().
 */
#ifndef SLUICE_OFCTL_BRIDGE_CAPTURE_WHAT_H
#define SLUICE_OFCTL_BRIDGE_CAPTURE_WHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "swpath/capture.h"

struct bridges;
struct hal_rule;
struct iface;

struct capture_what {
	struct swpath_capture_config cfg;
	struct hal_cmatch *match; /* cfg.match */
	char text[200];           /* "port p1", for people */
	char note[200];           /* what else they should know, or "" */
};

/* 0, or -1 with a message that names what is wrong and what was expected. */
int capture_what_read(
	struct bridges *b, const char *text, struct capture_what *what, char *err, size_t n);
void capture_what_free(struct capture_what *what);

/* True if packets that the rule forwards or drops are to be captured. An offload_concerns: any
 * thread; `ctx` is the capture_what. */
bool capture_what_concerns(void *ctx, const struct hal_rule *rule);

/* The datapath port id by which packets of an interface come and go; HAL_PORT_NONE: there is none,
 * it is closed or a patch port. */
uint32_t capture_port_of(const struct iface *i);

/* All names that can be captured, one a line, with what they are. */
void capture_what_list(struct bridges *b, FILE *f);

#endif
