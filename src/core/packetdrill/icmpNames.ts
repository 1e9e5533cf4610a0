/**
 * The names that scripts give to ICMP types and codes, and their numbers, which differ between the
 * IP versions (RFC 792; RFC 4443 section 3).
 */

interface IcmpType {
  readonly type: number;
  readonly codes: Readonly<Record<string, number>>;
}

const V4: Readonly<Record<string, IcmpType>> = {
  echo_reply: { type: 0, codes: {} },
  unreachable: {
    type: 3,
    codes: {
      net_unreachable: 0,
      host_unreachable: 1,
      protocol_unreachable: 2,
      port_unreachable: 3,
      frag_needed: 4,
      source_route_failed: 5,
      net_unknown: 6,
      host_unknown: 7,
      source_host_isolated: 8,
      net_prohibited: 9,
      host_prohibited: 10,
      net_unreachable_for_tos: 11,
      host_unreachable_for_tos: 12,
      packet_filtered: 13,
      precedence_violation: 14,
      precedence_cutoff: 15,
    },
  },
  source_quench: { type: 4, codes: {} },
  redirect: { type: 5, codes: {} },
  echo_request: { type: 8, codes: {} },
  time_exceeded: {
    type: 11,
    codes: { ttl_exceeded_in_transit: 0, frag_reass_exceeded: 1 },
  },
  parameter_problem: { type: 12, codes: {} },
  timestamp_request: { type: 13, codes: {} },
  timestamp_reply: { type: 14, codes: {} },
  information_request: { type: 15, codes: {} },
  information_reply: { type: 16, codes: {} },
  address_mask_request: { type: 17, codes: {} },
  address_mask_reply: { type: 18, codes: {} },
};

const V6: Readonly<Record<string, IcmpType>> = {
  unreachable: {
    type: 1,
    codes: {
      no_route: 0,
      admin_prohibited: 1,
      not_neighbour: 2,
      address_unreachable: 3,
      port_unreachable: 4,
    },
  },
  packet_too_big: { type: 2, codes: {} },
  time_exceeded: {
    type: 3,
    codes: {
      exceeded_hop_limit: 0,
      exceeded_frag_time: 1,
      ttl_exceeded_in_transit: 0,
      frag_reass_exceeded: 1,
    },
  },
  parameter_problem: {
    type: 4,
    codes: { header_field: 0, unknown_next_header: 1, unknown_option: 2 },
  },
  echo_request: { type: 128, codes: {} },
  echo_reply: { type: 129, codes: {} },
};

/**
 * The numbers of a message on the wire.
 *
 * @param code null: 0
 * @returns null: one of the names is none of this IP version
 */
export function icmpNumbers(
  type: string,
  code: string | null,
  ipVersion: 4 | 6,
): { readonly type: number; readonly code: number } | null {
  const known = own(ipVersion === 4 ? V4 : V6, type);
  const typeNumber = known?.type ?? numbered(type, 'type_');
  if (typeNumber === null) return null;
  if (code === null) return { type: typeNumber, code: 0 };
  const codeNumber = own(known?.codes ?? {}, code) ?? numbered(code, 'code_');
  return codeNumber === null ? null : { type: typeNumber, code: codeNumber };
}

/** The name of a type and code of one IP version; `type_N` and `code_N` where there is none. */
export function icmpNamesOf(
  type: number,
  code: number,
  ipVersion: 4 | 6,
): { readonly type: string; readonly code: string | null } {
  for (const [name, known] of Object.entries(ipVersion === 4 ? V4 : V6)) {
    if (known.type !== type) continue;
    const named = Object.entries(known.codes).find(([, number]) => number === code);
    return { type: name, code: named?.[0] ?? (code === 0 ? null : `code_${code}`) };
  }
  return { type: `type_${type}`, code: code === 0 ? null : `code_${code}` };
}

/** Why these names mean nothing in any IP version; null: they do. */
export function checkIcmpNames(type: string, code: string | null): string | null {
  if (icmpNumbers(type, code, 4) !== null || icmpNumbers(type, code, 6) !== null) return null;
  const types = [own(V4, type), own(V6, type)].filter((known) => known !== undefined);
  if (types.length === 0 && numbered(type, 'type_') === null) {
    const names = [...new Set([...Object.keys(V4), ...Object.keys(V6)])];
    return `unknown ICMP type '${type}'; known are ${names.join(', ')} and type_N`;
  }
  const codes = [...new Set(types.flatMap((known) => Object.keys(known.codes)))];
  return `unknown code '${code}' of ICMP ${type}; known are ${[...codes, 'code_N'].join(', ')}`;
}

/** `type_3` is 3. */
function numbered(name: string, prefix: string): number | null {
  if (!name.startsWith(prefix) || !/^[0-9]{1,3}$/.test(name.slice(prefix.length))) return null;
  const number = Number(name.slice(prefix.length));
  return number <= 255 ? number : null;
}

/** What a table says of a name that may also be one of every object, such as `constructor`. */
function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
