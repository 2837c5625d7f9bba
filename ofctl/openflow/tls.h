/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS with mutual authentication, for ssl: and pssl: targets.
 *
 * What: one private key, certificate and CA certificate for all connections of the daemon. Both
 * ends have to show a certificate that the CA signed and that is valid now; names in it are not
 * looked at, as controllers are known by address. TLS 1.2 and later.
 * Why: files are read when a connection is made, so that renewed certificates need no restart, and
 * wrong ones say why in that connection's error.
 * Threads: the control thread.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_TLS_H
#define SLUICE_OFCTL_OPENFLOW_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct evbuffer;
struct of_tls;
struct of_tls_config;
struct ssl_st;

/* NULL: no memory. */
struct of_tls *of_tls_new(void);
void of_tls_free(struct of_tls *tls);

/* Takes other files, for connections made from now on (NULL: none). True if they are others than
 * before; -ENOMEM shows when a connection is made. */
bool of_tls_set(struct of_tls *tls, const struct of_tls_config *cfg);

/* One connection's session, as the side that accepts or the one that connects; whoever gets it
 * frees it. 0 or -errno with a text that says what is wrong with which file. */
int of_tls_session(struct of_tls *tls, bool accepts, struct ssl_st **out, char *err, size_t n);

/* Why a session over `bev` failed; false: it was not TLS that failed. */
bool of_tls_error(struct bufferevent *bev, char *text, size_t n);
/* True while neither end has shown its certificate. */
bool of_tls_in_handshake(struct bufferevent *bev);
/* Sends what it can of `out` without waiting, and says goodbye. The session did not fail. */
void of_tls_flush(struct bufferevent *bev, struct evbuffer *out);

#endif
