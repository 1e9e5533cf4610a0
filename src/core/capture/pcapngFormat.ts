import type { Micros } from '../base/time.ts';
import type { CapturedPacket } from './capturedPacket.ts';
import {
  type CaptureFormat,
  type CaptureInterface,
  type Damage,
  MAX_ITEM_LENGTH,
} from './captureFormat.ts';
import type { OctetQueue } from './octetQueue.ts';
import { MICROSECONDS, readStamp, type TimeUnit, timeUnit } from './pcapngTime.ts';
import { decodeUtf8 } from './utf8.ts';

/** The types of blocks that matter here; all others are skipped. */
export const BlockType = {
  /** Reads the same in both byte orders. */
  SECTION_HEADER: 0x0a0d0d0a,
  INTERFACE: 1,
  /** Obsolete since 2004, and still written. */
  PACKET: 2,
  SIMPLE_PACKET: 3,
  ENHANCED_PACKET: 6,
} as const;

/** Tells, in a section header, the byte order of the section. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** The options that matter here. */
export const Option = {
  END: 0,
  COMMENT: 1,
  /** Of an enhanced packet block. */
  FLAGS: 2,
  /** Of an interface block. */
  NAME: 2,
  RESOLUTION: 9,
  OFFSET: 14,
  /** Of a section header: the program that wrote it. */
  USER_APPLICATION: 4,
} as const;

/** Type and length, and the length again at the end. */
const BLOCK_OVERHEAD = 12;
/** Of a section header: the byte order can be seen. */
const SECTION_START = 12;
/** Interfaces of one section, and octets of the name of one: more is damage, or cut off. */
const MAX_INTERFACES = 65_536;
const MAX_NAME = 256;

interface Interface extends CaptureInterface {
  readonly unit: TimeUnit;
}

/** A block that is there as a whole: indices into the view. */
interface Block {
  readonly type: number;
  /** Of the first octet behind type and length. */
  readonly body: number;
  /** Of the length at the end. */
  readonly end: number;
}

/** Where the fields of a packet block lie, behind which its octets and its options come. */
interface PacketFields {
  readonly link: Interface;
  readonly stamp: { readonly time: Micros; readonly nanos: number };
  readonly kept: number;
  readonly original: number;
  readonly start: number;
}

/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks, of which a section header tells the byte order of those
 * behind it, and interface blocks what the packet blocks refer to.
 *
 * ```
 *   | type (4) | total length (4) | body, padded to 4 octets | total length (4) |
 * ```
 */
export class PcapngFormat implements CaptureFormat {
  interfaces: Interface[] = [];
  #little = true;
  /** Total length of the block whose body is being skipped; 0: none. */
  #skipped = 0;
  /** Simple packets have no time of their own: they get that of the packet before. */
  #stamp: PacketFields['stamp'] = { time: 0, nanos: 0 };

  next(queue: OctetQueue, number: number): CapturedPacket | Damage | null {
    for (;;) {
      const step = this.#skipped > 0 ? this.#endSkipping(queue) : this.#readBlock(queue, number);
      if (step !== 'again') return step;
    }
  }

  // ---- blocks -------------------------------------------------------------------------------

  #readBlock(queue: OctetQueue, number: number): CapturedPacket | Damage | 'again' | null {
    const { view, at } = queue;
    if (queue.length < 8) return null;
    const type = view.getUint32(at, this.#little);
    if (type === BlockType.SECTION_HEADER) {
      if (queue.length < SECTION_START) return null;
      const damage = this.#readByteOrder(view, at + 8);
      if (damage !== null) return damage;
    }
    const total = view.getUint32(at + 4, this.#little);
    if (total < BLOCK_OVERHEAD || total % 4 !== 0) {
      return { damage: `a block that claims ${total} octets` };
    }
    if (!isKnown(type)) {
      queue.discard(total - 4);
      this.#skipped = total;
      return 'again';
    }
    if (total > MAX_ITEM_LENGTH) return { damage: `a block that claims ${total} octets` };
    if (queue.length < total) return null;
    const block = { type, body: at + 8, end: at + total - 4 };
    if (view.getUint32(block.end, this.#little) !== total) return wrongEnd(total);
    const step = this.#readBody(queue, block, number);
    if (step === 'again' || 'octets' in step) queue.take(total);
    return step;
  }

  #endSkipping(queue: OctetQueue): Damage | 'again' | null {
    if (queue.length < 4) return null;
    const total = this.#skipped;
    if (queue.view.getUint32(queue.at, this.#little) !== total) return wrongEnd(total);
    this.#skipped = 0;
    queue.take(4);
    return 'again';
  }

  #readBody(queue: OctetQueue, block: Block, number: number): CapturedPacket | Damage | 'again' {
    const { view } = queue;
    if (block.type === BlockType.SECTION_HEADER) return this.#readSection(view, block);
    if (block.type === BlockType.INTERFACE) return this.#readInterface(view, block);
    const fields =
      block.type === BlockType.SIMPLE_PACKET
        ? this.#readSimple(view, block)
        : this.#readPacket(view, block);
    if ('damage' in fields) return fields;
    const { link, stamp, kept, original, start } = fields;
    if (start + kept > block.end) {
      return { damage: `a packet of ${kept} octets in a block with room for ${block.end - start}` };
    }
    this.#stamp = stamp;
    const comments: string[] = [];
    if (block.type !== BlockType.SIMPLE_PACKET) {
      this.#eachOption(view, start + padded(kept), block.end, (code, at, length) => {
        if (code === Option.COMMENT) comments.push(textAt(view, at, length));
      });
    }
    return {
      number,
      ...stamp,
      linkType: link.linkType,
      octets: queue.copy(start - queue.at, kept),
      originalLength: Math.max(original, kept),
      comments,
    };
  }

  // ---- sections and interfaces --------------------------------------------------------------

  #readByteOrder(view: DataView, at: number): Damage | null {
    this.#little = view.getUint32(at, true) === BYTE_ORDER_MAGIC;
    if (this.#little || view.getUint32(at, false) === BYTE_ORDER_MAGIC) return null;
    return { damage: 'a section without byte order' };
  }

  /** byte-order magic (4), version (2 + 2), length of the section (8), options */
  #readSection(view: DataView, { body, end }: Block): Damage | 'again' {
    if (end - body < 16) return { damage: 'a section header that is too short' };
    const major = view.getUint16(body + 4, this.#little);
    if (major !== 1) {
      const minor = view.getUint16(body + 6, this.#little);
      return { damage: `pcapng of version ${major}.${minor}, not 1.0` };
    }
    this.interfaces = [];
    return 'again';
  }

  /** link type (2), reserved (2), snap length (4), options */
  #readInterface(view: DataView, { body, end }: Block): Damage | 'again' {
    if (end - body < 8) return { damage: 'an interface block that is too short' };
    if (this.interfaces.length === MAX_INTERFACES) {
      return { damage: `a section of more than ${MAX_INTERFACES} interfaces` };
    }
    let name: string | null = null;
    let resolution: number | null = null;
    let offset = 0;
    this.#eachOption(view, body + 8, end, (code, at, length) => {
      if (code === Option.NAME) name = textAt(view, at, Math.min(length, MAX_NAME));
      else if (code === Option.RESOLUTION && length === 1) resolution = view.getUint8(at);
      else if (code === Option.OFFSET && length === 8) offset = this.#readInt64(view, at);
    });
    this.interfaces.push({
      linkType: view.getUint16(body, this.#little),
      snapLength: view.getUint32(body + 4, this.#little),
      name,
      unit: resolution === null ? { ...MICROSECONDS, offset } : timeUnit(resolution, offset),
    });
    return 'again';
  }

  #readInt64(view: DataView, at: number): number {
    const high = view.getInt32(this.#little ? at + 4 : at, this.#little);
    const low = view.getUint32(this.#little ? at : at + 4, this.#little);
    return high * 2 ** 32 + low;
  }

  // ---- packets ------------------------------------------------------------------------------

  /**
   * interface (4; the obsolete block: 2, and 2 of drops), upper and lower half of the stamp (4 + 4),
   * octets kept (4), octets on the wire (4), the packet, options
   */
  #readPacket(view: DataView, { type, body, end }: Block): PacketFields | Damage {
    if (end - body < 20) return { damage: 'a packet block that is too short' };
    const little = this.#little;
    const index =
      type === BlockType.PACKET ? view.getUint16(body, little) : view.getUint32(body, little);
    const link = this.interfaces[index];
    if (link === undefined) return { damage: `a packet of interface ${index}, which is unknown` };
    return {
      link,
      stamp: readStamp(
        view.getUint32(body + 4, little),
        view.getUint32(body + 8, little),
        link.unit,
      ),
      kept: view.getUint32(body + 12, little),
      original: view.getUint32(body + 16, little),
      start: body + 20,
    };
  }

  /** octets on the wire (4), of which those up to the snap length of interface 0 follow */
  #readSimple(view: DataView, { body, end }: Block): PacketFields | Damage {
    if (end - body < 4) return { damage: 'a packet block that is too short' };
    const [link] = this.interfaces;
    if (link === undefined) return { damage: 'a packet of interface 0, which is unknown' };
    const original = view.getUint32(body, this.#little);
    const kept = link.snapLength === 0 ? original : Math.min(original, link.snapLength);
    return { link, stamp: this.#stamp, kept, original, start: body + 4 };
  }

  /** Options: code (2), length (2), value padded to 4 octets. Those that do not fit are left. */
  #eachOption(
    view: DataView,
    from: number,
    end: number,
    visit: (code: number, at: number, length: number) => void,
  ): void {
    for (let at = from; at + 4 <= end; ) {
      const code = view.getUint16(at, this.#little);
      const length = view.getUint16(at + 2, this.#little);
      if (code === Option.END || at + 4 + length > end) return;
      visit(code, at + 4, length);
      at += 4 + padded(length);
    }
  }
}

function isKnown(type: number): boolean {
  return (
    type === BlockType.SECTION_HEADER ||
    type === BlockType.INTERFACE ||
    type === BlockType.PACKET ||
    type === BlockType.SIMPLE_PACKET ||
    type === BlockType.ENHANCED_PACKET
  );
}

function wrongEnd(total: number): Damage {
  return { damage: `a block of ${total} octets that does not end with its length` };
}

/** Octets that `length` octets take with their padding to 32 bits. */
export function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** Some writers count a final zero as part of the text. */
function textAt(view: DataView, at: number, length: number): string {
  const text = decodeUtf8(new Uint8Array(view.buffer, view.byteOffset + at, length));
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
