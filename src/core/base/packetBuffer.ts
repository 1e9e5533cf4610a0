/** Octets that a new packet leaves free in front of its transport header for IP and link headers. */
export const HEADROOM = 128;

/**
 * One frame in memory with the offsets of its layers:
 *
 * ```
 *   octets  |  headroom  | link header | network header | transport header, payload |  free  |
 *           0            ^ link        ^ network        ^ transport                 ^ end
 * ```
 *
 * Who fills it: on input the device (`link` and `end`), then each layer sets the offset of the one
 * above it. On output the transport writes from `transport` to `end`, then each layer below
 * prepends its header and sets its own offset. The offsets stay valid until the buffer is reused,
 * so a tracer, a capture or an ICMP error can look at every layer.
 *
 * Ownership: whoever is handed a packet may read it until its function returns, and copies what it
 * wants to keep. That is why one buffer for input and one for output serve a whole stack, and why
 * there is no pool and no reference count.
 */
export class PacketBuffer {
  readonly octets: Uint8Array;
  readonly view: DataView;
  /** Offset of the link (Ethernet) header; equal to `network` where there is none. */
  link: number;
  /** Offset of the IP (or ARP) header. */
  network: number;
  /** Offset of the TCP, UDP or ICMP header. */
  transport: number;
  /** Offset behind the last octet. */
  end: number;
  /**
   * Of a TCP segment that arrived as several, which the device has joined: octets of text in each but
   * the last one. 0: it is one segment, or the device does not say.
   */
  segmentSize: number;
  /** Of a datagram that arrived: the octet of DSCP and ECN. */
  trafficClass: number;

  /** @param capacity octets for the whole frame, {@link HEADROOM} not counted */
  constructor(capacity: number) {
    this.octets = new Uint8Array(HEADROOM + capacity);
    this.view = new DataView(this.octets.buffer);
    this.link = HEADROOM;
    this.network = HEADROOM;
    this.transport = HEADROOM;
    this.end = HEADROOM;
    this.segmentSize = 0;
    this.trafficClass = 0;
  }

  /** Most octets that fit behind the headroom. */
  get capacity(): number {
    return this.octets.length - HEADROOM;
  }

  /** Empties the buffer: all offsets stand behind the headroom, ready for a transport header. */
  clear(): void {
    this.link = HEADROOM;
    this.network = HEADROOM;
    this.transport = HEADROOM;
    this.end = HEADROOM;
    this.segmentSize = 0;
    this.trafficClass = 0;
  }

  /** Takes a copy of a frame (link header first). @throws RangeError if it is over the capacity */
  setFrame(frame: Uint8Array): void {
    if (frame.length > this.capacity) {
      throw new RangeError(`a frame of ${frame.length} octets is over ${this.capacity}`);
    }
    this.clear();
    this.octets.set(frame, this.link);
    this.end = this.link + frame.length;
  }

  /** The frame from its link header on, as a view that is valid until the buffer is reused. */
  frame(): Uint8Array {
    return this.octets.subarray(this.link, this.end);
  }
}
