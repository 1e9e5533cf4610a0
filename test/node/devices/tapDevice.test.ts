import { execFile } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { formatMac, ipv4, parseCidr, parseIpv4 } from '../../../src/core/base/address.ts';
import { PacketBuffer } from '../../../src/core/base/packetBuffer.ts';
import { formatFrame } from '../../../src/core/trace/line.ts';
import { DeviceError, type DeviceErrorCode } from '../../../src/node/devices/deviceError.ts';
import { watchInThread } from '../../../src/node/devices/fdWatcher.ts';
import {
  defaultMac,
  openTap,
  TapDevice,
  type TapOptions,
} from '../../../src/node/devices/tapDevice.ts';
import { createTap, loadLibc } from '../../../src/node/devices/tapIoctl.ts';
import { canUseTap, run, skip, withNamespace } from '../../harness/netns.ts';

const KERNEL = parseCidr('10.107.0.1/24') ?? { address: ipv4(0), prefixLength: 0 };
const OURS = parseIpv4('10.107.0.2') ?? ipv4(0);

/** Resolves with the first received frame that the predicate wants, as a line. */
function frameLike(device: TapDevice, pattern: RegExp): Promise<string> {
  const packet = new PacketBuffer(device.mtu + 14);
  return new Promise((resolve) => {
    device.onReadable = () => {
      while (device.receive(packet)) {
        const line = formatFrame(packet);
        if (pattern.test(line)) resolve(line);
      }
    };
  });
}

/** Answers every ARP request for our address, and every echo request, by turning it round. */
function answer(device: TapDevice): { frames: number } {
  const packet = new PacketBuffer(device.mtu + 14);
  const count = { frames: 0 };
  device.onReadable = () => {
    for (let n = 0; n < 64 && device.receive(packet); n++) {
      count.frames++;
      if (turnRound(packet, device.macAddress)) device.send(packet);
    }
  };
  return count;
}

function turnRound({ octets, view, link }: PacketBuffer, mac: number): boolean {
  const ours = [Math.floor(mac / 2 ** 32) & 0xffff, mac >>> 0] as const;
  const setMac = (at: number): void => {
    view.setUint16(at, ours[0]);
    view.setUint32(at + 2, ours[1]);
  };
  const type = view.getUint16(link + 12);
  const network = link + 14;
  octets.copyWithin(link, link + 6, link + 12);
  setMac(link + 6);
  if (type === 0x0806 && view.getUint16(network + 6) === 1) {
    const wanted = view.getUint32(network + 24);
    view.setUint16(network + 6, 2);
    octets.copyWithin(network + 18, network + 8, network + 18);
    setMac(network + 8);
    view.setUint32(network + 14, wanted);
    return wanted === OURS;
  }
  if (type !== 0x0800 || view.getUint8(network + 9) !== 1) return false;
  const source = view.getUint32(network + 12);
  view.setUint32(network + 12, view.getUint32(network + 16));
  view.setUint32(network + 16, source);
  view.setUint8(network + 20, 0); // echo reply: the checksum grows by what the type lost
  const sum = view.getUint16(network + 22) + 0x0800;
  view.setUint16(network + 22, (sum & 0xffff) + (sum >>> 16));
  return true;
}

function ping(ns: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('ip', ['netns', 'exec', ns, 'ping', ...args], (_error, stdout) => resolve(stdout));
  });
}

function options(netns: string): TapOptions {
  return { name: 'glass0', netns, kernelAddress: KERNEL, macAddress: defaultMac(OURS) };
}

test.serial('a TAP in a namespace: the kernel asks by ARP who has our address', async (t) => {
  await withNamespace(t, async (ns) => {
    const device = await openTap(options(ns));
    t.teardown(() => device.close());
    const request = frameLike(device, /^ARP, Request/);
    const pinging = ping(ns, '-c1', '-W1', '10.107.0.2');
    t.is(await request, 'ARP, Request who-has 10.107.0.2 tell 10.107.0.1, length 28');
    await pinging;
    const address = run('ip', '-n', ns, '-o', '-4', 'address', 'show', 'dev', 'glass0');
    t.regex(address, /inet 10\.107\.0\.1\/24/);
    t.regex(run('ip', '-n', ns, 'link', 'show', 'dev', 'glass0'), /mtu 1500 .* qlen 5000/);
  });
});

test.serial('frames that are sent reach the kernel: ping gets its replies', async (t) => {
  await withNamespace(t, async (ns) => {
    const device = await openTap({ ...options(ns), mtu: 9000 });
    t.teardown(() => device.close());
    const count = answer(device);
    const statistics = await ping(ns, '-c20', '-i0.01', '-w10', '-s8000', '-Mdo', '10.107.0.2');
    t.regex(statistics, /20 received/);
    t.true(count.frames >= 21);
    t.log(statistics.trim().split('\n').at(-1));
  });
});

test.serial('the same, woken by a thread instead of the event loop', async (t) => {
  await withNamespace(t, async (ns) => {
    const libc = await loadLibc();
    const created = createTap(libc, `gt${process.pid}`);
    const identity = { name: created.name, mtu: 1500, macAddress: defaultMac(OURS) };
    const device = new TapDevice(libc, created.fd, identity, watchInThread);
    t.teardown(() => device.close());
    run('ip', 'link', 'set', 'dev', created.name, 'netns', ns);
    run('ip', '-n', ns, 'address', 'add', '10.107.0.1/24', 'dev', created.name);
    run('ip', '-n', ns, 'link', 'set', 'dev', created.name, 'up');
    answer(device);
    t.regex(await ping(ns, '-c5', '-i0.01', '10.107.0.2'), /5 received/);
  });
});

test.serial('the interface is gone after close, and closing twice is harmless', async (t) => {
  await withNamespace(t, async (ns) => {
    const device = await openTap(options(ns));
    t.regex(run('ip', '-n', ns, '-o', 'link'), /glass0/);
    device.close();
    device.close();
    t.notRegex(run('ip', '-n', ns, '-o', 'link'), /glass0/);
    t.false(device.receive(new PacketBuffer(1514)));
    t.false(device.send(new PacketBuffer(1514)));
  });
});

test.serial(
  'an interface that is down loses frames and counts them, without waiting',
  async (t) => {
    await withNamespace(t, async (ns) => {
      const device = await openTap(options(ns));
      t.teardown(() => device.close());
      run('ip', '-n', ns, 'link', 'set', 'dev', 'glass0', 'down');
      const packet = new PacketBuffer(1514);
      packet.setFrame(new Uint8Array(60));
      t.true(device.send(packet));
      t.is(device.framesDropped, 1);
      t.true(device.writable);
      run('ip', '-n', ns, 'link', 'set', 'dev', 'glass0', 'up');
      t.true(device.send(packet));
      t.is(device.framesDropped, 1);
    });
  },
);

test.serial('a deleted interface closes the device and says so once', async (t) => {
  await withNamespace(t, async (ns) => {
    const device = await openTap(options(ns));
    t.teardown(() => device.close());
    device.onReadable = () => device.receive(new PacketBuffer(1514));
    const error = new Promise<DeviceError>((resolve) => {
      device.onError = resolve;
    });
    run('ip', '-n', ns, 'link', 'del', 'dev', 'glass0');
    t.is((await error).message, 'interface glass0 was deleted');
    t.false(device.writable);
  });
});

test.serial('a name that the namespace has already is refused, and nothing is left', async (t) => {
  await withNamespace(t, async (ns) => {
    const device = await openTap(options(ns));
    t.teardown(() => device.close());
    const before = run('ip', '-o', 'link');
    const error = await t.throwsAsync(openTap(options(ns)), { instanceOf: DeviceError });
    t.is(error?.code, 'name-in-use');
    t.is(run('ip', '-o', 'link'), before);
  });
});

/** Opens a TAP in a process of its own, and returns what came of it. */
function openElsewhere(name: string, ...prefix: readonly string[]): string {
  const script = `
    import { openTap } from './src/node/devices/tapDevice.ts';
    const kernelAddress = { address: 0x0a6b0001, prefixLength: 24 };
    try {
      const device = await openTap({ name: '${name}', macAddress: 2, kernelAddress });
      console.log('opened ' + device.name);
      await openTap({ name: '${name}', macAddress: 2 }).catch((e) => console.log(e.message));
      await openTap({ name: 'other', macAddress: 2, kernelAddress }).catch((e) => console.log(e.message));
      device.unref(); // so the process ends, and the interface with it
    } catch (error) {
      console.log(error.code + ': ' + error.message);
    }`;
  const node = [process.execPath, '--import=tsx', '--input-type=module', '-e', script];
  const [command = '', ...args] = [...prefix, ...node];
  return run(command, ...args).trim();
}

/** A prefix that runs the rest of a command with an empty directory in place of `path`. */
function without(path: string): string[] {
  return ['unshare', '-Urnm', 'sh', '-c', `mount -t tmpfs none ${path} && exec "$@"`, 'sh'];
}

function elsewhere(title: string, body: (t: ExecutionContext) => void): void {
  test.serial(title, (t) => {
    const why = canUseTap();
    if (why === null) body(t);
    else skip(t, why);
  });
}

elsewhere('within a user and network namespace of its own, a process needs no root', (t) => {
  const [opened, again, other] = openElsewhere('glass0', 'unshare', '-Urn').split('\n');
  t.is(opened, 'opened glass0');
  t.is(again, 'TAP interface glass0 is in use by another process');
  t.is(other, '10.107.0.1 is already an address of glass0: take another network');
});

elsewhere('without CAP_NET_ADMIN the error says what is needed', (t) => {
  const said = openElsewhere(
    'glass0',
    'setpriv',
    '--bounding-set=-net_admin',
    '--inh-caps=-net_admin',
  );
  t.regex(said, /^not-permitted: .*needs root \(CAP_NET_ADMIN\), or .*"unshare -Urn"$/);
});

elsewhere('without /dev/net/tun the error says how to get it', (t) => {
  t.regex(openElsewhere('glass0', ...without('/dev/net')), /^no-tun: .*modprobe tun.*mknod/);
});

elsewhere('without the command ip the error says what to install', (t) => {
  // the directories of administrators are looked through even where they are not in PATH
  const said = openElsewhere('glass0', ...without('/usr/sbin'), 'env', 'PATH=/nowhere');
  t.regex(said, /^no-ip-command: .*iproute2/);
});

elsewhere('the name of an interface that is no TAP is refused', (t) => {
  t.regex(openElsewhere('lo', 'unshare', '-Urn'), /^name-in-use: an interface lo exists/);
});

test('options are checked before anything is done', async (t) => {
  const good = { name: 'glass0', macAddress: defaultMac(OURS) };
  const bad: [Partial<TapOptions>, DeviceErrorCode, RegExp][] = [
    [{ name: '' }, 'invalid-option', /^"" is no name of an interface/],
    [{ name: 'a b' }, 'invalid-option', /^"a b" is no name/],
    [{ name: '../x' }, 'invalid-option', /is no name/],
    [{ name: 'sixteen-letters-' }, 'invalid-option', /longer than 15 characters$/],
    [{ mtu: 67 }, 'invalid-option', /^an MTU of 67 is impossible: 68 to 65521 octets$/],
    [{ mtu: 65522 }, 'invalid-option', /65522/],
    [{ netns: 'glass-no-such' }, 'no-such-namespace', /"glass-no-such" does not exist/],
    [{ netns: '../../etc' }, 'no-such-namespace', /does not exist/],
    [{ kernelAddress: { address: KERNEL.address, prefixLength: 32 } }, 'invalid-option', /\/32/],
    [{ kernelAddress: { address: ipv4(0xe0000001), prefixLength: 24 } }, 'invalid-option', /224/],
  ];
  for (const [change, code, message] of bad) {
    const error = await t.throwsAsync(openTap({ ...good, ...change }), {
      instanceOf: DeviceError,
      message,
    });
    t.is(error?.code, code);
    t.false(error?.message.includes('\n'));
  }
});

test('the default station address is locally administered and made of the IPv4 address', (t) => {
  t.is(formatMac(defaultMac(OURS)), '02:00:0a:6b:00:02');
  t.is(formatMac(defaultMac(ipv4(0xffffffff))), '02:00:ff:ff:ff:ff');
});
