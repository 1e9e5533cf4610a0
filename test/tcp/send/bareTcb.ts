import { type Ipv4Address, ipv4 } from '../../../src/core/base/address.ts';
import { type Seq, seq } from '../../../src/core/base/seq.ts';
import { configure, DEFAULT_CONFIG, type TcpConfig } from '../../../src/core/tcp/config.ts';
import { NewReno } from '../../../src/core/tcp/congestion/newReno.ts';
import { Tcb } from '../../../src/core/tcp/tcb.ts';

/** What a test wants to be other than usual. */
export interface BareOptions {
  readonly config?: Partial<TcpConfig>;
  readonly iss?: Seq;
  readonly localAddress?: Ipv4Address;
  readonly localPort?: number;
  readonly remoteAddress?: Ipv4Address;
  readonly remotePort?: number;
  readonly timestampOffset?: number;
}

/** A TCB in CLOSED with no stack around it. */
export function bareTcb(options: BareOptions = {}): Tcb {
  const localAddress = options.localAddress ?? ipv4(0x0a000002);
  const remoteAddress = options.remoteAddress ?? ipv4(0x0a000001);
  return new Tcb({
    id: 1,
    localAddress,
    localPort: options.localPort ?? 80,
    remoteAddress,
    remotePort: options.remotePort ?? 40_000,
    flow: {
      source: localAddress,
      destination: remoteAddress,
      mtu: 1500,
      ttl: 64,
      trafficClass: 0,
      suspect() {},
    },
    config: configure(DEFAULT_CONFIG, options.config ?? {}),
    congestion: new NewReno(1460),
    iss: options.iss ?? seq(0xffff_ff00),
    timestampOffset: options.timestampOffset ?? 0,
    tracer: null,
    gate: null,
  });
}
