/* SPDX-License-Identifier: Apache-2.0
 *
 * Setting fields: between the wire's forms and SET_FIELD.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/actions_nx.h"
#include "ofctl/openflow/oxm.h"

/* An option's value and mask are longer than other fields': they are in `data`. */
static enum of_error push_option(struct of_actions *acts, const struct of_oxm *h,
	const uint8_t *wire, const uint8_t *wire_mask)
{
	struct of_action a = {.type = OFACT_SET_FIELD,
		.field = FIELD_TUN_METADATA,
		.option = h->option,
		.has_mask = wire_mask != NULL};

	unsigned len = wire_mask ? h->len / 2u : h->len;

	a.data = malloc(2u * h->width);
	if (!a.data)
		return OFERR_TOO_MANY_ACTIONS;
	a.data_len = 2 * h->width;
	memset(a.data + h->width, 0xff, h->width);
	if (of_oxm_widen(wire, len, a.data, h->width) &&
		(!wire_mask || of_oxm_widen(wire_mask, len, a.data + h->width, h->width)))
		return of_nx_push(acts, &a);
	of_action_free(&a);
	return OFERR_BAD_SET_LEN;
}

/* The same bits by the name that they have now. */
static enum of_error push_tos(struct of_actions *acts, uint8_t tos)
{
	uint8_t dscp = tos >> 2;

	return of_nx_error(of_actions_push_set(acts, FIELD_IP_DSCP, &dscp, NULL));
}

enum of_error of_oxm_push_set(struct of_actions *acts, const struct of_oxm *h, const uint8_t *wire,
	const uint8_t *wire_mask)
{
	uint8_t value[OF_OXM_VALUE_MAX], mask[OF_OXM_VALUE_MAX];

	if (h->field == FIELD_TUN_METADATA)
		return push_option(acts, h, wire, wire_mask);
	if (!of_oxm_value(h, wire, value) || (wire_mask && !of_oxm_value(h, wire_mask, mask)))
		return OFERR_BAD_SET_ARGUMENT;
	if (!wire_mask && h->field != FIELD_VLAN_TCI && !of_oxm_value_ok(h->field, value))
		return OFERR_BAD_SET_ARGUMENT;
	if (!wire_mask && h->field == FIELD_NW_TOS)
		return push_tos(acts, value[0]);
	return of_nx_error(of_actions_push_set(acts, h->field, value, wire_mask ? mask : NULL));
}

void of_oxm_put_set(struct of_buf *b, enum of_oxm_form form, const struct of_action *a)
{
	unsigned width = a->data_len / 2, zeros = 0;

	if (a->field != FIELD_TUN_METADATA) {
		/* Stock tools know the port of 16 bits under its plain name. */
		if (a->field == FIELD_IN_PORT)
			form = OF_OXM_NX;
		of_oxm_put(b, form, a->field, a->value, a->has_mask ? a->mask : NULL);
		return;
	}
	/* As short as what is not 0 in the value or, if there is one, the mask. */
	while (zeros < width && !a->data[(a->has_mask ? width : 0) + zeros])
		zeros++;
	of_oxm_put_option(b, a->option, width - zeros, a->has_mask);
	of_put_bytes(b, a->data + zeros, width - zeros);
	if (a->has_mask)
		of_put_bytes(b, a->data + width + zeros, width - zeros);
}
