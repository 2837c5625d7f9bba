/* SPDX-License-Identifier: Apache-2.0
 *
 * Where connections go to or come from: "tcp:HOST[:PORT]", "ssl:HOST[:PORT]", "unix:PATH",
 * "ptcp:[PORT][:HOST]", "pssl:[PORT][:HOST]", "punix:PATH".
 * Thread-safety: plain data.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_TARGET_H
#define SLUICE_OFCTL_OPENFLOW_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct of_target {
	bool passive;
	bool local; /* a unix socket */
	bool tls;
	char host[256]; /* or the socket's path */
	uint16_t port;
};

struct sockaddr_un;

/* The address of a local target: its path was checked to fit. */
void of_target_sockaddr(const struct of_target *t, struct sockaddr_un *un);

/* 0, or -EINVAL (-EPROTONOSUPPORT: an unknown kind) with a message. */
int of_target_parse(const char *text, struct of_target *t, char *err, size_t n);

#endif
