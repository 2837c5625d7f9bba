/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/tls.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ofctl/openflow/agent.h"
#include "ofctl/openflow/tls_bootstrap.h"

enum { PRIVATE_KEY, CERTIFICATE, CA_CERT, N_FILES };

static const char *const columns[N_FILES] = {"private_key", "certificate", "ca_cert"};

/* What tells one version of a file from another. */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct of_tls {
	bool configured, bootstrap;
	char *path[N_FILES]; /* NULL: out of memory */
	struct version version[N_FILES];
	SSL_CTX *ctx; /* of these versions; NULL: not read yet, or not usable */
};

struct of_tls *of_tls_new(void)
{
	return calloc(1, sizeof(struct of_tls));
}

static void forget(struct of_tls *tls)
{
	SSL_CTX_free(tls->ctx);
	tls->ctx = NULL;
	for (int i = 0; i < N_FILES; i++) {
		free(tls->path[i]);
		tls->path[i] = NULL;
	}
	tls->configured = tls->bootstrap = false;
}

void of_tls_free(struct of_tls *tls)
{
	if (!tls)
		return;
	forget(tls);
	free(tls);
}

bool of_tls_set(struct of_tls *tls, const struct of_tls_config *cfg)
{
	bool same = tls->configured == !!cfg;

	if (cfg) {
		const char *path[N_FILES] = {cfg->private_key, cfg->certificate, cfg->ca_cert};

		for (int i = 0; i < N_FILES; i++)
			same = same && tls->path[i] && !strcmp(tls->path[i], path[i]);
		same = same && tls->bootstrap == cfg->bootstrap;
		if (same)
			return false;
		forget(tls);
		tls->configured = true;
		tls->bootstrap = cfg->bootstrap;
		for (int i = 0; i < N_FILES; i++)
			tls->path[i] = strdup(path[i]);
	} else if (!same) {
		forget(tls);
	}
	return !same;
}

/* OpenSSL's word for what went wrong last; empties its queue of errors. */
static const char *last_reason(void)
{
	const char *text = NULL;
	unsigned long e = ERR_peek_error();

	if (ERR_SYSTEM_ERROR(e))
		text = strerror(ERR_GET_REASON(e));
	else if (e)
		text = ERR_reason_error_string(e);
	ERR_clear_error();
	return text ? text : "unknown error";
}

/* A key behind a passphrase is unusable: nobody is there to be asked. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return 0;
}

static bool load(SSL_CTX *ctx, int file, const char *path)
{
	STACK_OF(X509_NAME) * names;

	switch (file) {
	case PRIVATE_KEY:
		return SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1;
	case CERTIFICATE:
		return SSL_CTX_use_certificate_chain_file(ctx, path) == 1;
	default:
		names = SSL_load_client_CA_file(path);
		if (!names)
			return false;
		SSL_CTX_set_client_CA_list(ctx, names);
		return SSL_CTX_load_verify_locations(ctx, path, NULL) == 1;
	}
}

static SSL_CTX *context_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	/* Messages carry their length, so a stream that is cut off loses nothing unnoticed. */
	SSL_CTX_set_options(
		ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	return ctx;
}

static bool files_unchanged(struct of_tls *tls)
{
	bool same = true;

	for (int i = 0; i < N_FILES; i++) {
		struct version now = {0}, *was = &tls->version[i];
		struct stat st;

		if (!stat(tls->path[i], &st))
			now = (struct version){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
		same = same && now.dev == was->dev && now.ino == was->ino &&
		       now.size == was->size && now.changed.tv_sec == was->changed.tv_sec &&
		       now.changed.tv_nsec == was->changed.tv_nsec;
		*was = now;
	}
	return same;
}

/* The peer that is connected to next tells whom to trust. */
static bool takes_ca(const struct of_tls *tls)
{
	return tls->bootstrap && of_tls_bootstraps(tls->path[CA_CERT]);
}

static int read_files(struct of_tls *tls, char *err, size_t n)
{
	SSL_CTX *ctx = context_new();

	if (!ctx) {
		snprintf(err, n, "TLS: %s", last_reason());
		return -ENOMEM;
	}
	ERR_clear_error();
	/* The certificate first: a key is compared with the one that is there. */
	for (int i = N_FILES - 1; i >= 0; i--) {
		if (i == CA_CERT && takes_ca(tls) && !of_tls_bootstrap(ctx, tls->path[i]))
			continue;
		if (load(ctx, i, tls->path[i]))
			continue;
		snprintf(err, n, "TLS: %s %s: %s", columns[i], tls->path[i], last_reason());
		SSL_CTX_free(ctx);
		return -EINVAL;
	}
	SSL_CTX_free(tls->ctx);
	tls->ctx = ctx;
	return 0;
}

static int refresh(struct of_tls *tls, char *err, size_t n)
{
	if (!tls->configured) {
		snprintf(err, n, "TLS: no row of SSL says which key and certificates to use");
		return -ENOENT;
	}
	for (int i = 0; i < N_FILES; i++) {
		if (!tls->path[i]) {
			snprintf(err, n, "TLS: out of memory");
			return -ENOMEM;
		}
		if (!*tls->path[i]) {
			snprintf(err, n, "TLS: the row of SSL has no %s", columns[i]);
			return -ENOENT;
		}
	}
	if (files_unchanged(tls) && tls->ctx)
		return 0;
	SSL_CTX_free(tls->ctx);
	tls->ctx = NULL;
	return read_files(tls, err, n);
}

int of_tls_session(struct of_tls *tls, bool accepts, struct ssl_st **out, char *err, size_t n)
{
	int ret = refresh(tls, err, n);

	*out = NULL;
	if (ret)
		return ret;
	if (accepts && takes_ca(tls)) {
		snprintf(err, n,
			"TLS: ca_cert %s is not there yet: it is taken from a controller "
			"that is connected to, not from one that connects",
			tls->path[CA_CERT]);
		return -ENOENT;
	}
	*out = SSL_new(tls->ctx);
	if (!*out) {
		snprintf(err, n, "TLS: %s", last_reason());
		return -ENOMEM;
	}
	if (accepts)
		SSL_set_accept_state(*out);
	else
		SSL_set_connect_state(*out);
	return 0;
}

bool of_tls_in_handshake(struct bufferevent *bev)
{
	return !SSL_is_init_finished(bufferevent_openssl_get_ssl(bev));
}

bool of_tls_error(struct bufferevent *bev, char *text, size_t n)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	unsigned long e = bufferevent_get_openssl_error(bev);
	int reason = ERR_GET_REASON(e);
	const char *word = e ? ERR_reason_error_string(e) : NULL;
	long verdict = SSL_get_verify_result(ssl);

	if (!e || ERR_SYSTEM_ERROR(e))
		return false;
	if (!word)
		word = "unknown error";
	if (verdict != X509_V_OK)
		snprintf(text, n, "TLS: the peer's certificate is refused: %s",
			X509_verify_cert_error_string(verdict));
	else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
		snprintf(text, n, "TLS: the peer does not speak TLS");
	else if (reason >= SSL_AD_REASON_OFFSET)
		snprintf(text, n, "TLS: the peer refused us: %s", word);
	else
		snprintf(text, n, "TLS: %s", word);
	return true;
}

void of_tls_flush(struct bufferevent *bev, struct evbuffer *out)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);

	if (!SSL_is_init_finished(ssl))
		return;
	while (evbuffer_get_length(out)) {
		size_t len = evbuffer_get_contiguous_space(out);
		int sent = SSL_write(ssl, evbuffer_pullup(out, (ev_ssize_t)len), (int)len);

		if (sent <= 0 || evbuffer_drain(out, (size_t)sent))
			break;
	}
	SSL_shutdown(ssl);
	ERR_clear_error();
}
