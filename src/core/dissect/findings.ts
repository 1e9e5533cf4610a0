/**
 * What can be noticed of a segment of a recorded conversation, by name. Where Wireshark has a
 * definition (its tcp.analysis.*), the rule is the same, unless an RFC says otherwise.
 */
export interface FindingRule {
  /** The document and section, or `none` where only experience speaks. */
  readonly rfc: string;
  /** What it is, in a few words. */
  readonly what: string;
}

function rule(rfc: string, what: string): FindingRule {
  return { rfc, what };
}

/** All names, in the order in which they are counted. */
export const FINDINGS = {
  // what was sent again, or came in another order
  retransmission: rule('RFC 6298 5.4', 'sent again, because a timer expired'),
  'fast-retransmission': rule('RFC 5681 3.2', 'sent again, because ACKs said that it was lost'),
  'spurious-retransmission': rule('RFC 9293 3.8.1', 'sent again after it was acknowledged'),
  'retransmission-not-needed': rule('RFC 3522', 'the original had arrived before'),
  'out-of-order': rule('RFC 5681 4.2', 'overtaken by later ones on its way'),
  duplicated: rule('RFC 9293 3.4', 'the same datagram once more: duplicated on its way'),
  'previous-segment-missing': rule('RFC 9293 3.4', 'what lies before it was lost or not captured'),
  'acked-unseen': rule('none', 'it acknowledges what was not captured'),
  'bad-checksum': rule('RFC 9293 3.1', 'who receives it drops it'),
  // acknowledgments
  'duplicate-ack': rule('RFC 5681 2', 'it acknowledges again while there is text in flight'),
  sack: rule('RFC 2018 4', 'what has arrived behind a gap'),
  'd-sack': rule('RFC 2883 4', 'what has arrived twice'),
  'challenge-ack': rule('RFC 5961 3', 'it answers a RST or SYN that is not believed'),
  // windows
  'zero-window': rule('RFC 9293 3.8.6', 'no text may be sent to it'),
  'window-update': rule('RFC 9293 3.8.6', 'the window alone has changed'),
  'window-full': rule('RFC 9293 3.8.6', 'it fills the window of the other end'),
  'zero-window-probe': rule('RFC 9293 3.8.6.1', 'it asks whether the window is still zero'),
  'zero-window-probe-ack': rule('RFC 9293 3.8.6.1', 'the window is still zero'),
  // silence
  'keep-alive': rule('RFC 9293 3.8.4', 'it asks whether the other end is still there'),
  'keep-alive-ack': rule('RFC 9293 3.8.4', 'the other end is still there'),
  // beginning and end
  'port-reuse': rule('RFC 9293 3.6.1', 'the same sockets had a conversation before'),
  'half-close': rule('RFC 9293 3.6', 'text goes on after the other end has closed its side'),
  'text-after-fin': rule('RFC 9293 3.10.4', 'text behind the FIN of its own sender'),
  reset: rule('RFC 9293 3.5.2', 'the connection is given up'),
  'reset-not-believed': rule('RFC 5961 3.2', 'its numbers do not fit: it closes nothing'),
  // time
  paws: rule('RFC 7323 5', 'the timestamp is older than one before: it may be dropped'),
} as const;

/** What was noticed. */
export type FindingName = keyof typeof FINDINGS;

/** One thing that was noticed of one segment. */
export interface Finding {
  readonly name: FindingName;
  /** A short sentence on this one. */
  readonly what: string;
  /** The packet that it refers to, by its number. */
  readonly about: number | null;
  /** Of a duplicate ACK, how many of them there are so far, itself included; of others null. */
  readonly count: number | null;
}

/** A finding; without a sentence of its own it gets that of its rule. */
export function finding(
  name: FindingName,
  what: string = FINDINGS[name].what,
  about: number | null = null,
  count: number | null = null,
): Finding {
  return { name, what, about, count };
}
