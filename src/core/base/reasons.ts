/**
 * Why a frame was sent, and why one was dropped. Nothing leaves this stack and nothing is discarded
 * by it without one of these names, so of every segment on the wire a person can ask *why*, and
 * gets the rule and the section that states it.
 */
export interface Rule {
  /** The document and section that ask for it. */
  readonly rfc: string;
  /** What happened, in a few words, as the end of the sentence "sent because …", "dropped: …". */
  readonly what: string;
}

function rule(rfc: string, what: string): Rule {
  return { rfc, what };
}

/** The reasons to send, by name. */
export const SEND_REASONS = {
  // link and network layer
  'arp-request': rule('RFC 826', 'the hardware address of the next hop is not known'),
  'arp-reply': rule('RFC 826', 'a neighbour asked for our hardware address'),
  'arp-announcement': rule('RFC 5227 2.3', 'neighbours learn our address'),
  'echo-reply': rule('RFC 1122 3.2.2.6', 'answer to an echo request'),
  'icmp-error': rule('RFC 1122 3.2.2', 'a datagram could not be delivered'),
  fragment: rule('RFC 791 2.3', 'a datagram is larger than the link allows'),
  // TCP
  handshake: rule('RFC 9293 3.5', 'synchronize sequence numbers'),
  'handshake-retransmission': rule('RFC 9293 3.8.1', 'SYN was not acknowledged in time'),
  'syn-cookie': rule('RFC 4987 3.6', 'too many are half open: the SYN-ACK holds what to remember'),
  'handshake-ack': rule('RFC 9293 3.5', 'acknowledge the SYN of the peer'),
  'fast-open-retransmission': rule(
    'RFC 7413 4.2.2',
    'the SYN-ACK does not cover the text of the SYN',
  ),
  data: rule('RFC 9293 3.7', 'text that the window and the congestion window let go'),
  fin: rule('RFC 9293 3.6', 'the user closed: no more text follows'),
  rto: rule('RFC 6298 5.4', 'the retransmission timer expired'),
  'loss-retransmission': rule('RFC 5681 3.1', 'lost before the timeout, sent again in slow start'),
  'fast-retransmit': rule('RFC 5681 3.2', 'three duplicate ACKs say that it was lost'),
  'partial-ack': rule('RFC 6582 3.2', 'a partial ACK says that the next one was lost too'),
  'rack-retransmission': rule('RFC 8985 6.2', 'segments sent later have arrived: it was lost'),
  'tail-loss-probe': rule('RFC 8985 7.3', 'no ACK for two round trips: the end may be lost'),
  'mtu-probe': rule('RFC 4821 7.5', 'does a larger datagram get through?'),
  'limited-transmit': rule('RFC 3042', 'a duplicate ACK says that a segment left the network'),
  'window-probe': rule('RFC 9293 3.8.6.1', 'the window of the peer is zero'),
  'keepalive-probe': rule('RFC 9293 3.8.4', 'nothing was heard from the peer for long'),
  'ack-now': rule('RFC 9293 3.8.6.3', 'text that is acknowledged without delay'),
  'ack-second-segment': rule('RFC 5681 4.2', 'every second full-sized segment is acknowledged'),
  'ack-out-of-order': rule('RFC 5681 4.2', 'out-of-order text: duplicate ACK'),
  'compressed-ack': rule('RFC 5681 4.2', 'out-of-order segments are acknowledged together'),
  'ack-fin': rule('RFC 9293 3.10.7.4', 'the FIN of the peer is acknowledged'),
  'ack-unacceptable': rule('RFC 9293 3.10.7.4', 'an unacceptable segment is answered by an ACK'),
  'ack-duplicate': rule('RFC 9293 3.10.7.4', 'the peer sent again what has been received'),
  'delayed-ack': rule('RFC 9293 3.8.6.3', 'the delay of an ACK is over'),
  'window-update': rule('RFC 9293 3.8.6.2.2', 'the user read: the window opens'),
  'challenge-ack': rule('RFC 5961', 'a RST or SYN in the window is answered, not believed'),
  reset: rule('RFC 9293 3.5.2', 'the segment belongs to no connection'),
  'reset-unacceptable-ack': rule('RFC 9293 3.10.7.3', 'it acknowledges a SYN that was not sent'),
  'reset-abort': rule('RFC 9293 3.10.5', 'the user aborted the connection'),
  'reset-unread-data': rule('RFC 9293 3.6.1', 'closed with text that the user never read'),
  'reset-no-room': rule('RFC 6429 3', 'too many connections that their users have left'),
  'reset-after-close': rule('RFC 9293 3.6.1', 'text arrived after the user closed'),
  'reset-keepalive': rule('RFC 1122 4.2.3.6', 'no keepalive probe was answered'),
  'reset-syn-in-window': rule('RFC 793 3.9', 'a SYN in the window of a synchronized state'),
} as const;

/** Why something was sent. */
export type SendReason = keyof typeof SEND_REASONS;

/** The reasons to drop, by name. */
export const DROP_REASONS = {
  // device and link layer
  'device-full': rule('none', 'the device takes no more frames now'),
  'frame-too-long': rule('none', 'the frame is larger than the MTU'),
  'ethernet-truncated': rule('IEEE 802.3', 'shorter than an Ethernet header'),
  'ethernet-not-for-us': rule('IEEE 802.3', 'addressed to another station'),
  'ethertype-unknown': rule('RFC 1122 2.3.3', 'a protocol that is not spoken here'),
  'arp-truncated': rule('RFC 826', 'shorter than an ARP packet'),
  'arp-unsupported': rule('RFC 826', 'not for Ethernet and IPv4'),
  'arp-not-for-us': rule('RFC 826', 'asks for another address'),
  'arp-bad-sender': rule('RFC 826', 'the sender has no unicast address'),
  'arp-conflict': rule('RFC 5227 2.4', 'another station says that our address is its own'),
  // IPv4
  'ip-truncated': rule('RFC 791 3.1', 'shorter than its header says'),
  'ip-bad-version': rule('RFC 1122 3.2.1.1', 'the version is not 4'),
  'ip-bad-header-length': rule('RFC 791 3.1', 'the header length is impossible'),
  'ip-bad-checksum': rule('RFC 1122 3.2.1.2', 'the header checksum is wrong'),
  'ip-martian-source': rule('RFC 1122 3.2.1.3', 'the source address is not that of a host'),
  'ip-not-for-us': rule('RFC 1122 3.2.1.3', 'addressed to another host'),
  'ip-link-broadcast': rule('RFC 1122 3.3.6', 'a link-layer broadcast of a datagram to one host'),
  'ip-source-route': rule('RFC 7126 4.3', 'source-routed datagrams are not accepted'),
  'ip-bad-option': rule('RFC 791 3.1', 'an option does not end within the header'),
  'ip-protocol-unknown': rule('RFC 1122 3.2.2.1', 'no transport takes this protocol'),
  'fragment-held': rule('RFC 791 3.2', 'kept until the other fragments arrive'),
  'fragment-duplicate': rule('RFC 791 3.2', 'a fragment that has arrived before'),
  'fragment-malformed': rule('RFC 791 3.2', 'a fragment of impossible length or position'),
  'fragment-overlap': rule('RFC 5722', 'fragments overlap: the datagram is given up'),
  'fragment-limit': rule('RFC 1122 3.3.2', 'too many octets wait for reassembly'),
  'fragment-timeout': rule('RFC 1122 3.3.2', 'not all fragments arrived in time'),
  'no-route': rule('RFC 1122 3.3.1', 'no route leads to the destination'),
  'neighbor-unreachable': rule('RFC 1122 2.3.2.2', 'nobody answered the ARP requests'),
  'neighbor-queue-full': rule('RFC 1122 2.3.2.2', 'too many datagrams wait for an ARP reply'),
  // ICMP and UDP
  'icmp-truncated': rule('RFC 792', 'shorter than its header'),
  'icmp-bad-checksum': rule('RFC 792', 'the checksum is wrong'),
  'icmp-broadcast-echo': rule('RFC 1122 3.2.2.6', 'an echo request to a broadcast address'),
  'icmp-unknown': rule('RFC 1122 3.2.2', 'a type that is discarded silently'),
  'icmp-source-quench': rule('RFC 6633', 'Source Quench is discarded silently'),
  'icmp-redirect': rule('RFC 1122 3.2.2.2', 'redirects are not followed'),
  'icmp-no-connection': rule('RFC 5927 4.1', 'the error quotes no connection of ours'),
  'icmp-out-of-window': rule('RFC 5927 4.1', 'the error quotes a segment that is not in flight'),
  'icmp-rate-limit': rule('RFC 1812 4.3.2.8', 'enough ICMP errors were sent'),
  'udp-truncated': rule('RFC 768', 'shorter than its header'),
  'udp-bad-checksum': rule('RFC 768', 'the checksum is wrong'),
  'udp-no-port': rule('RFC 1122 4.1.3.1', 'no UDP port is open: port unreachable'),
  // TCP: codec and demultiplexing
  'tcp-truncated': rule('RFC 9293 3.1', 'shorter than its header says'),
  'tcp-bad-checksum': rule('RFC 9293 3.1', 'the checksum is wrong'),
  'tcp-bad-data-offset': rule('RFC 9293 3.1', 'the data offset is impossible'),
  'tcp-not-unicast': rule('RFC 9293 3.9.2.3', 'sent from or to a broadcast or multicast address'),
  'tcp-no-connection': rule('RFC 9293 3.10.7.1', 'no connection, no listener'),
  // TCP: state processing
  'listen-rst': rule('RFC 9293 3.10.7.2', 'a RST for a listener'),
  'listen-ack': rule('RFC 9293 3.10.7.2', 'an ACK for a listener: nothing was sent from there'),
  'bad-syn-cookie': rule('RFC 4987 3.6', 'its ACK should be a cookie of ours, and is none'),
  'listen-no-syn': rule('RFC 9293 3.10.7.2', 'neither SYN nor ACK nor RST'),
  'syn-fin': rule('none', 'a SYN with a FIN, which the user does not want'),
  'syn-queue-full': rule('RFC 9293 3.10.7.2', 'too many half-open connections'),
  'accept-queue-full': rule('RFC 9293 3.10.7.2', 'too many connections wait to be accepted'),
  'connection-limit': rule('none', 'the stack holds as many connections as it may'),
  'bad-ack': rule('RFC 9293 3.10.7.3', 'it acknowledges what was never sent'),
  'wrong-echo': rule('RFC 7323 3.2', 'it echoes a timestamp that was not sent'),
  'blind-reset': rule('RFC 9293 3.10.7.3', 'a RST that acknowledges no SYN of ours'),
  'no-syn': rule('RFC 9293 3.10.7.3', 'neither SYN nor RST'),
  unacceptable: rule('RFC 9293 3.10.7.4', 'the segment is outside the receive window'),
  'no-timestamp': rule('RFC 7323 3.2', 'timestamps are agreed upon, and it has none'),
  'time-wait': rule('RFC 9293 3.10.7.4', 'the connection is over: nothing but ACKs is answered'),
  paws: rule('RFC 7323 5', 'the timestamp is older than the last one'),
  'reset-not-exact': rule('RFC 5961 3.2', 'a RST in the window but not at its left edge'),
  'reset-accepted': rule('RFC 9293 3.10.7.4', 'the peer reset the connection'),
  'syn-in-window': rule('RFC 5961 4.2', 'a SYN in a synchronized state'),
  'no-ack': rule('RFC 9293 3.10.7.4', 'the ACK bit is off'),
  'ack-too-old': rule('RFC 5961 5.2', 'the ACK is older than any window we were offered'),
  'ack-too-new': rule('RFC 9293 3.10.7.4', 'it acknowledges what was never sent'),
  'window-closed': rule('RFC 9293 3.10.7.4', 'text at a closed window: its ACK counts, no more'),
  'text-duplicate': rule('RFC 9293 3.10.7.4', 'text that has arrived before: its ACK counts'),
  'text-after-close': rule('RFC 9293 3.6.1', 'text that nobody will read'),
  'text-after-fin': rule('RFC 9293 3.10.7.4', 'text after the FIN of the peer'),
  'reassembly-limit': rule(
    'RFC 9293 3.10.7.4',
    'too many separate pieces wait for the missing ones',
  ),
  'memory-limit': rule('none', 'the buffers of the stack hold as much as they may'),
  'connection-closed': rule('RFC 9293 3.10.7.1', 'the connection ended while this was on its way'),
} as const;

/** Why something was dropped. */
export type DropReason = keyof typeof DROP_REASONS;

/** Name, section and rule: `ack-now (RFC 9293 3.8.6.3): text that is acknowledged without delay`. */
export function explainSend(reason: SendReason): string {
  return explain(reason, SEND_REASONS[reason]);
}

/** As {@link explainSend}. */
export function explainDrop(reason: DropReason): string {
  return explain(reason, DROP_REASONS[reason]);
}

function explain(name: string, { rfc, what }: Rule): string {
  return rfc === 'none' ? `${name}: ${what}` : `${name} (${rfc}): ${what}`;
}
