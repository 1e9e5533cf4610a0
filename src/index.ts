/**
 * The entry for Node: a stack on a device, and node:net on that stack.
 *
 * ```ts
 * // device: from openTap, a DuplexDevice round any stream of frames, or one of your own
 * const stack = createStack({ device, address: '10.107.0.2/24', gateway: '10.107.0.1' });
 * stack.net.createServer((socket) => socket.pipe(socket)).listen(7);
 * stack.net.createServer((socket) => httpServer.emit('connection', socket)).listen(80);
 * http.get({ host: '10.107.0.1', createConnection: stack.net.createConnection });
 * await stack.close();
 * ```
 */
export {
  type CloseOutcome,
  type GracefulCloseOptions,
  gracefulClose,
} from './apps/gracefulClose.ts';
export {
  HalfCloseProxy,
  type HalfCloseProxyOptions,
  halfCloseProxy,
  type IdleLimits,
  type PerWay,
  type ProxyAddress,
  type ProxyCounters,
  type ProxyEvent,
  type Way,
} from './apps/halfCloseProxy.ts';
export {
  containing,
  Heartbeat,
  type HeartbeatOptions,
  heartbeat,
  type ReplyMatcher,
} from './apps/heartbeat.ts';
export {
  type HeartbeatTraffic,
  heartbeatCostPerHour,
  type KeepAliveTraffic,
  keepAliveCostPerHour,
} from './apps/livenessCost.ts';
export type { NetLike, ServerLike, SocketLike, Timers } from './apps/netLike.ts';
export * from './core/index.ts';
export { CaptureFile, type CaptureFileOptions } from './node/captureFile.ts';
export { type CaptureInput, CaptureInputError, readCapture } from './node/captureInput.ts';
export { DeviceError, type DeviceErrorCode } from './node/devices/deviceError.ts';
export { DuplexDevice, type DuplexOptions } from './node/devices/duplexDevice.ts';
export {
  defaultMac,
  openTap,
  type TapDevice,
  type TapOptions,
} from './node/devices/tapDevice.ts';
export { HostClock } from './node/hostClock.ts';
export { HostRandom } from './node/hostRandom.ts';
export type { ConnectOptions } from './node/net/connectOptions.ts';
export type {
  Connect,
  CreateConnectionOptions,
  CreateServer,
  Net,
} from './node/net/createNet.ts';
export type { KeepAliveOptions } from './node/net/keepAlive.ts';
export type { ListenOptions } from './node/net/listenOptions.ts';
export type { DroppedConnection, Server, ServerEvents, ServerOptions } from './node/net/server.ts';
export type { Socket, SocketOptions } from './node/net/socket.ts';
export {
  type CloseOptions,
  createStack,
  type NodeStack,
  type NodeStackOptions,
} from './node/nodeStack.ts';
