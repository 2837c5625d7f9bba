/* SPDX-License-Identifier: Apache-2.0
 *
 * The CA certificate of the first controller that is met, where none is there yet
 * (ovs-vswitchd.conf.db(5), SSL.bootstrap_ca_cert).
 *
 * Why so: whoever takes it trusts that nobody is in between this once. The connection that brought
 * it is not used, since nothing of it was verified: the next one is, by what was kept.
 */
#include "ofctl/openflow/tls_bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hal/base/log.h"

LOG_DEFINE(tls_bootstrap);

/* Somebody may have put one there in the meantime: then that is it. */
static int keep(const char *path, X509 *ca)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444), err = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	if (PEM_write_X509(f, ca) != 1)
		err = -EIO;
	if (fclose(f))
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

static int take(X509_STORE_CTX *store, void *arg)
{
	const char *path = arg;
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	X509 *last = chain ? sk_X509_value(chain, sk_X509_num(chain) - 1) : NULL;
	char name[256] = "";
	int err;

	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	if (!last || X509_check_issued(last, last) != X509_V_OK) {
		log_warn("%s: the peer sent no CA certificate with its own; expected one that is "
			 "signed by itself at the end of what it sends",
			path);
		return 0;
	}
	err = keep(path, last);
	X509_NAME_oneline(X509_get_subject_name(last), name, sizeof(name));
	if (err)
		log_warn("%s: the CA certificate of %s cannot be kept: %s", path, name,
			strerror(-err));
	else
		log_info("%s: took the CA certificate of %s, which peers are verified by from now "
			 "on",
			path, name);
	return 0;
}

bool of_tls_bootstraps(const char *path)
{
	struct stat st;

	return stat(path, &st) && errno == ENOENT;
}

/* Sessions may outlive the configuration that they began with: the path is their context's. */
static void free_path(
	void *parent, void *path, CRYPTO_EX_DATA *data, int index, long number, void *arg)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)number;
	(void)arg;
	free(path);
}

int of_tls_bootstrap(SSL_CTX *ctx, const char *path)
{
	static int index = -1;
	char *copy = strdup(path);

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_path);
	if (!copy || index < 0 || SSL_CTX_set_ex_data(ctx, index, copy) != 1) {
		free(copy);
		return -ENOMEM;
	}
	SSL_CTX_set_cert_verify_callback(ctx, take, copy);
	return 0;
}
