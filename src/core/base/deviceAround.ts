import type { Device } from './ports.ts';

/** What a device that stands round another one does itself. */
export type OwnPart = Pick<Device, 'receive' | 'send'>;

/**
 * A device round a device: frames go through `own`, everything else is that of the inner one. So
 * captures, impairments and the like can be put round any device, and round each other.
 */
export function deviceAround(inner: Device, own: OwnPart): Device {
  const { name, mtu, macAddress, offload } = inner;
  return {
    name,
    mtu,
    macAddress,
    offload,
    receive: own.receive,
    send: own.send,
    close: () => inner.close(),
    get writable() {
      return inner.writable;
    },
    get onReadable() {
      return inner.onReadable;
    },
    set onReadable(callback) {
      inner.onReadable = callback;
    },
    get onWritable() {
      return inner.onWritable;
    },
    set onWritable(callback) {
      inner.onWritable = callback;
    },
  };
}
