import type { CapturedPacket } from './capturedPacket.ts';
import {
  type CaptureFormat,
  type CaptureInterface,
  type Damage,
  isPcapMagic,
  MAX_ITEM_LENGTH,
  PcapMagic,
} from './captureFormat.ts';
import type { OctetQueue } from './octetQueue.ts';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** Interface, protocol and packet type behind the ordinary header. */
const MODIFIED_RECORD_HEADER = 24;

/**
 * The capture format of libpcap (pcap-savefile(5)), of either byte order.
 *
 * ```
 *   file header, 24 octets                      record header, 16 octets, then the frame
 *    0  magic: byte order and unit of time       0  seconds since 1970
 *    4  version 2.4 (two 16-bit numbers)         4  micro- or nanoseconds
 *    8  two words that are 0                     8  octets that follow
 *   16  snap length: most octets of a frame     12  octets that the frame had
 *   20  link type
 * ```
 */
export class PcapFormat implements CaptureFormat {
  readonly interfaces: CaptureInterface[] = [];
  #little = true;
  #nanos = false;
  #recordHeader = RECORD_HEADER;
  #minorVersion = 4;

  next(queue: OctetQueue, number: number): CapturedPacket | Damage | null {
    const [link] = this.interfaces;
    if (link !== undefined) return this.#readRecord(queue, number, link.linkType);
    if (queue.length < FILE_HEADER) return null;
    return this.#readHeader(queue) ?? this.next(queue, number);
  }

  #readHeader(queue: OctetQueue): Damage | null {
    const { view, at } = queue;
    this.#little = isPcapMagic(view.getUint32(at, true));
    const magic = view.getUint32(at, this.#little);
    this.#nanos = magic === PcapMagic.NANOS;
    if (magic === PcapMagic.MODIFIED) this.#recordHeader = MODIFIED_RECORD_HEADER;
    const major = view.getUint16(at + 4, this.#little);
    this.#minorVersion = view.getUint16(at + 6, this.#little);
    if (major !== 2) return { damage: `pcap of version ${major}.${this.#minorVersion}, not 2.4` };
    this.interfaces.push({
      // the upper half may tell the length of a frame check sequence
      linkType: view.getUint32(at + 20, this.#little) & 0xffff,
      snapLength: view.getUint32(at + 16, this.#little),
      name: null,
    });
    queue.take(FILE_HEADER);
    return null;
  }

  #readRecord(queue: OctetQueue, number: number, linkType: number): CapturedPacket | Damage | null {
    const header = this.#recordHeader;
    if (queue.length < header) return null;
    const { view, at } = queue;
    let kept = view.getUint32(at + 8, this.#little);
    let original = view.getUint32(at + 12, this.#little);
    // writers before version 2.3, and some of it, had the two the other way round
    if (this.#minorVersion < 3 || (this.#minorVersion === 3 && kept > original)) {
      [kept, original] = [original, kept];
    }
    if (kept > MAX_ITEM_LENGTH) return { damage: `a packet that claims ${kept} octets` };
    if (queue.length < header + kept) return null;
    const fraction = view.getUint32(at + 4, this.#little);
    const micros = this.#nanos ? Math.floor(fraction / 1000) : fraction;
    const packet: CapturedPacket = {
      number,
      time: view.getUint32(at, this.#little) * 1e6 + micros,
      nanos: this.#nanos ? fraction % 1000 : 0,
      linkType,
      octets: queue.copy(header, kept),
      originalLength: Math.max(original, kept),
      comments: [],
    };
    queue.take(header + kept);
    return packet;
  }
}
