/* SPDX-License-Identifier: Apache-2.0
 *
 * The CA certificate of the first peer that is met.
 *
 * Threads: the control thread.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_TLS_BOOTSTRAP_H
#define SLUICE_OFCTL_OPENFLOW_TLS_BOOTSTRAP_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* True if there is no file at `path` yet. */
bool of_tls_bootstraps(const char *path);

/* Handshakes of sessions of `ctx` fail, and the self-signed certificate that the peer sends behind
 * its own is kept at `path`. 0 or -ENOMEM. */
int of_tls_bootstrap(SSL_CTX *ctx, const char *path);

#endif
