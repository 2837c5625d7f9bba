/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/hal/test.h"

#define ROUNDS 300

/* Text cannot tell masks over fragment bits that no key has, and takes the 16-bit forms of reserved
 * ports for the 32-bit ones. */
static void normalise(enum hal_field_id id, uint8_t *value, uint8_t *mask)
{
	if (hal_fields[id].format == FMT_PORT && !value[0] && !value[1] && value[2] == 0xff)
		value[2] = 0xfe;
	if (id == FIELD_IP_FRAG)
		canonical_frag(value, mask);
	for (unsigned i = 0; i < hal_field_bytes(id); i++)
		value[i] &= mask[i];
}

static void test_round_trip(void)
{
	for (unsigned i = 0; i < FIELD_MAX * ROUNDS; i++) {
		enum hal_field_id id = (enum hal_field_id)(i % FIELD_MAX);
		unsigned bytes = hal_field_bytes(id);
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
		uint8_t v[HAL_VALUE_MAX], m[HAL_VALUE_MAX];
		char text[700], err[200] = "";
		int len;

		rnd_value(id, value);
		rnd_mask(id, mask);
		normalise(id, value, mask);
		len = hal_field_format(id, value, mask, text, sizeof(text));
		EXPECT(len > 0 && (size_t)len == strlen(text), text);
		EXPECT(!hal_field_parse(id, text, v, m, err, sizeof(err)), text);
		EXPECT(!memcmp(v, value, bytes) && !memcmp(m, mask, bytes), text);
		EXPECT(err[0] == '\0', err);
	}
}

/* The printer never writes past the buffer and always says the whole length. */
static void test_short_buffers(void)
{
	for (unsigned id = 0; id < FIELD_MAX; id++) {
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
		char whole[700], part[700];
		int len;

		rnd_value((enum hal_field_id)id, value);
		rnd_mask((enum hal_field_id)id, mask);
		len = hal_field_format((enum hal_field_id)id, value, mask, whole, sizeof(whole));
		EXPECT(hal_field_format((enum hal_field_id)id, value, mask, NULL, 0) == len, whole);
		for (int n = 1; n <= len + 1; n++) {
			memset(part, '#', sizeof(part));
			hal_field_format((enum hal_field_id)id, value, mask, part, (size_t)n);
			EXPECT(part[n] == '#' && strlen(part) == (size_t)n - 1 &&
					!strncmp(part, whole, (size_t)n - 1),
				whole);
		}
	}
}

static const struct {
	enum hal_field_id id;
	const char *in, *out; /* out NULL: the same */
} good[] = {
	{FIELD_IN_PORT, "1", NULL},
	{FIELD_IN_PORT, "LOCAL", NULL},
	{FIELD_IN_PORT, "local", "LOCAL"},
	{FIELD_IN_PORT, "65534", "LOCAL"},
	{FIELD_IN_PORT, "0xfffffffd", "CONTROLLER"},
	{FIELD_ACTSET_OUTPUT, "NONE", "ANY"},
	{FIELD_METADATA, "0x1234/0xffff", NULL},
	{FIELD_METADATA, "0", "0"},
	{FIELD_ETH_DST, "01:00:00:00:00:00/01:00:00:00:00:00", NULL},
	{FIELD_ETH_SRC, "0:1:2:a:B:c", "00:01:02:0a:0b:0c"},
	{FIELD_ETH_TYPE, "0x800", "0x0800"},
	{FIELD_VLAN_VID, "0x1005/0x1fff", "4101"},
	{FIELD_VLAN_VID, "0x1000/0x1000", NULL},
	{FIELD_VLAN_TCI, "0x1123/0x1fff", NULL},
	{FIELD_VLAN_TCI, "0", "0x0000"},
	{FIELD_IPV4_SRC, "10.0.0.1/8", "10.0.0.0/8"},
	{FIELD_IPV4_SRC, "10.0.0.1/255.255.255.0", "10.0.0.0/24"},
	{FIELD_IPV4_SRC, "10.0.0.1/255.0.255.0", "10.0.0.0/255.0.255.0"},
	{FIELD_IPV4_SRC, "10.0.0.1/32", "10.0.0.1"},
	{FIELD_IPV4_SRC, "10.0.0.1/0", "0.0.0.0/0"},
	{FIELD_IPV6_DST, "fd00::1/64", "fd00::/64"},
	{FIELD_IPV6_DST, "fd00::1/ffff::ffff", NULL},
	{FIELD_IPV6_DST, "::", NULL},
	{FIELD_IP_FRAG, "no", NULL},
	{FIELD_IP_FRAG, "yes", NULL},
	{FIELD_IP_FRAG, "first", NULL},
	{FIELD_IP_FRAG, "later", NULL},
	{FIELD_IP_FRAG, "not_later", NULL},
	{FIELD_TCP_FLAGS, "+syn-ack", NULL},
	{FIELD_TCP_FLAGS, "-ack+syn", "+syn-ack"},
	{FIELD_TCP_FLAGS, "syn|ack", NULL},
	{FIELD_TCP_FLAGS, "0x12", "syn|ack"},
	{FIELD_TCP_FLAGS, "2/0x12", "+syn-ack"},
	{FIELD_TCP_FLAGS, "0x800/0x800", NULL},
	{FIELD_CT_STATE, "+trk-new", "-new+trk"},
	{FIELD_CT_STATE, "0x21/0x21", "+new+trk"},
	{FIELD_CT_STATE, "est|trk", NULL},
	{FIELD_CT_LABEL, "0x1/0xff", NULL},
	{FIELD_CT_LABEL, "0x123456789abcdef0123456789abcdef", NULL},
	{FIELD_CT_LABEL, "5", "0x5"},
	{FIELD_CT_ZONE, "0x10", "16"},
	{FIELD_NW_TOS, "184", NULL},
	{FIELD_TCP_DST, "80", NULL},
	{FIELD_TCP_DST, "0x10/0xfff0", NULL},
	{FIELD_PACKET_TYPE, "(1,0x800)", NULL},
	{FIELD_PACKET_TYPE, "0x10800", "(1,0x800)"},
	{FIELD_TUN_FLAGS, "+oam", NULL},
	{FIELD_REG3, "7/7", "0x7/0x7"},
};

static void test_known_texts(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
		char text[200], err[200];

		EXPECT(!hal_field_parse(good[i].id, good[i].in, value, mask, err, sizeof(err)),
			good[i].in);
		hal_field_format(good[i].id, value, mask, text, sizeof(text));
		EXPECT_TEXT(text, good[i].out ? good[i].out : good[i].in);
	}
}

static const struct {
	enum hal_field_id id;
	const char *text;
} refused[] = {
	{FIELD_IN_PORT, "eth0"},
	{FIELD_IN_PORT, "1/1"},
	{FIELD_IN_PORT, "4294967296"},
	{FIELD_IN_PORT, "-1"},
	{FIELD_IN_PORT, ""},
	{FIELD_METADATA, "18446744073709551616"},
	{FIELD_METADATA, "1/"},
	{FIELD_METADATA, "1/2/3"},
	{FIELD_METADATA, " 1"},
	{FIELD_METADATA, "1 "},
	{FIELD_ETH_DST, "00:11:22:33:44"},
	{FIELD_ETH_DST, "00:11:22:33:44:55:66"},
	{FIELD_ETH_DST, "00:11:22:33:44:5g"},
	{FIELD_ETH_DST, "00-11-22-33-44-55"},
	{FIELD_ETH_TYPE, "0x10000"},
	{FIELD_ETH_TYPE, "0x800/0xff00"},
	{FIELD_VLAN_VID, "0x2000"},
	{FIELD_VLAN_PCP, "8"},
	{FIELD_IPV4_SRC, "10.0.0"},
	{FIELD_IPV4_SRC, "10.0.0.256"},
	{FIELD_IPV4_SRC, "10.0.0.0/33"},
	{FIELD_IPV4_SRC, "10.0.0.0/255.255"},
	{FIELD_IPV6_SRC, "fd00::1::"},
	{FIELD_IPV6_SRC, "::/129"},
	{FIELD_IP_FRAG, "maybe"},
	{FIELD_TCP_FLAGS, "+foo"},
	{FIELD_TCP_FLAGS, "+syn+syn"},
	{FIELD_TCP_FLAGS, "+"},
	{FIELD_TCP_FLAGS, "syn|"},
	{FIELD_TCP_FLAGS, "0x1000"},
	{FIELD_CT_STATE, "new-trk"},
	{FIELD_CT_LABEL, "0x100000000000000000000000000000000"},
	{FIELD_CT_LABEL, "0x"},
	{FIELD_NW_TOS, "1"},
	{FIELD_PACKET_TYPE, "(1,"},
	{FIELD_PACKET_TYPE, "(0x10000,0)"},
	{FIELD_MPLS_LABEL, "0x100000"},
	{FIELD_TCP_DST, "http"},
};

static void test_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
		char err[300] = "";
		int error = hal_field_parse(
			refused[i].id, refused[i].text, value, mask, err, sizeof(err));

		EXPECT(error == -EINVAL, refused[i].text);
		EXPECT(strstr(err, hal_fields[refused[i].id].name) != NULL, err);
		EXPECT(strstr(err, refused[i].text) != NULL, err);
	}
}

/* No text makes the parser do harm, whatever it is. */
static void test_garbage(void)
{
	static const char alphabet[] = "0123456789abcdefx:./+-|(),synack ";

	for (unsigned i = 0; i < 20000; i++) {
		enum hal_field_id id = (enum hal_field_id)rnd_below(FIELD_MAX);
		unsigned len = rnd_below(rnd_below(20) ? 40 : 1000);
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
		char text[1001], err[64], out[700];

		for (unsigned j = 0; j < len; j++)
			text[j] = alphabet[rnd_below(sizeof(alphabet) - 1)];
		text[len] = '\0';
		if (!hal_field_parse(id, text, value, mask, err, sizeof(err)))
			EXPECT(hal_field_format(id, value, mask, out, sizeof(out)) > 0, text);
	}
	CU_PASS("survived");
}

CU_TestInfo field_text_tests[] = {
	{"random values and masks come back", test_round_trip},
	{"short buffers", test_short_buffers},
	{"texts that ovs-ofctl knows", test_known_texts},
	{"bad texts are named and refused", test_refused},
	{"garbage", test_garbage},
	CU_TEST_INFO_NULL,
};
