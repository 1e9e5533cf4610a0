import { ipv4, type MacAddress } from '../base/address.ts';

/**
 * Whatever the addresses of a recording are (IPv6, those of a loopback interface, twice the same),
 * in a replay two hosts of one network talk to each other. What is shown has the recorded ones.
 */
export const OWN_ADDRESS = ipv4(0x0a_00_00_01);
export const PEER_ADDRESS = ipv4(0x0a_00_00_02);
/** Who else sends ICMP errors. */
export const ROUTER_ADDRESS = ipv4(0x0a_00_00_03);
export const PREFIX_LENGTH = 24;

// branded here, as in sim/network.ts
export const OWN_MAC = 0x02_00_00_00_00_01 as MacAddress;
export const PEER_MAC = 0x02_00_00_00_00_02 as MacAddress;
