/**
 * The portable entry: a complete stack that needs neither Node nor a browser. A host gives it devices,
 * chance and the time, and runs its turns (see {@link Stack}).
 */
export {
  ANY_ADDRESS,
  formatCidr,
  formatIpv4,
  formatMac,
  type Ipv4Address,
  type Ipv4Cidr,
  type MacAddress,
  parseCidr,
  parseIpv4,
  parseMac,
} from './base/address.ts';
export { type ConnectionErrorCode, StackError } from './base/errors.ts';
export { HEADROOM, PacketBuffer } from './base/packetBuffer.ts';
export { type Device, NO_OFFLOAD, type Offload } from './base/ports.ts';
export { fraction, type Random, uniform, Xoshiro128 } from './base/random.ts';
export {
  DROP_REASONS,
  type DropReason,
  type Rule,
  SEND_REASONS,
  type SendReason,
} from './base/reasons.ts';
export { type Clock, type Micros, MS, NEVER, SECOND } from './base/time.ts';
export type { Tracer } from './base/tracer.ts';
export { VirtualClock } from './base/virtualClock.ts';
export { captureDevice, type Direction, type FrameSink } from './capture/captureDevice.ts';
export type { CapturedPacket } from './capture/capturedPacket.ts';
export { type Capture, CaptureReader, readPackets } from './capture/captureReader.ts';
export { Stack, type StackOptions } from './stack/stack.ts';
export { configure, DEFAULT_CONFIG, type ProbeOctets, type TcpConfig } from './tcp/config.ts';
export type { Connection } from './tcp/connection.ts';
export type { Listener } from './tcp/listen/listener.ts';
export type { State } from './tcp/states.ts';
export { Event, type Tcb } from './tcp/tcb.ts';
export type { OpenOptions } from './tcp/tcp.ts';
export { TraceLines } from './trace/traceLines.ts';
