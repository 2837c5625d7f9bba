/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/uuid.h"

#include "hal/base/hmap.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

const char *ovsdb_uuid_format(const struct ovsdb_uuid *uuid, char text[OVSDB_UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid->bytes[i] >> 4];
		*p++ = digits[uuid->bytes[i] & 15];
	}
	*p = '\0';
	return text;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ovsdb_uuid_parse(struct ovsdb_uuid *uuid, const char *text)
{
	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		int high = hex_value(text[0]);
		int low = high < 0 ? -1 : hex_value(text[1]);
		if (low < 0)
			return false;
		uuid->bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return *text == '\0';
}

bool ovsdb_uuid_equal(const struct ovsdb_uuid *a, const struct ovsdb_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

int ovsdb_uuid_compare(const struct ovsdb_uuid *a, const struct ovsdb_uuid *b)
{
	return memcmp(a, b, sizeof(*a));
}

bool ovsdb_uuid_is_nil(const struct ovsdb_uuid *uuid)
{
	static const struct ovsdb_uuid nil;

	return ovsdb_uuid_equal(uuid, &nil);
}

uint32_t ovsdb_uuid_hash(const struct ovsdb_uuid *uuid)
{
	/* Clients may choose uuids, so all of it counts. */
	uint64_t words[2];
	memcpy(words, uuid->bytes, sizeof(words));
	return hash_mix(words[0] ^ (words[1] << 29 | words[1] >> 35));
}

/* splitmix64: passes the usual statistical tests and needs 8 bytes of state. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

struct ovsdb_uuid ovsdb_uuid_random(void)
{
	/* Two independent streams: one state of 64 bits would make a clash
	 * between two runs as likely as with 64-bit identifiers. */
	static uint64_t state[2];
	static bool seeded;

	if (!seeded && getrandom(state, sizeof(state), 0) == (ssize_t)sizeof(state))
		seeded = true;
	uint64_t words[2] = {next_random(&state[0]), next_random(&state[1])};
	struct ovsdb_uuid uuid;
	memcpy(uuid.bytes, words, sizeof(words));
	uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
	uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
	return uuid;
}
