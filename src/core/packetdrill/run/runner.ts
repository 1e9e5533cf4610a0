import { type Micros, SECOND } from '../../base/time.ts';
import type {
  CodeAction,
  CommandAction,
  IcmpPacket,
  Position,
  Script,
  ScriptEvent,
  SystemCall,
  TcpPacket,
} from '../ast.ts';
import { Evaluator } from '../evaluate.ts';
import { formatPacket } from '../format.ts';
import { type HostCall, Unsupported } from '../host/calls.ts';
import type { CallInProgress, Host, InfoNames } from '../host/host.ts';
import { Msg } from '../host/numbers.ts';
import { icmpNumbers } from '../icmpNames.ts';
import { packetOf } from './actual.ts';
import { type Command, parseCommand } from './commands.ts';
import { Conversation } from './conversation.ts';
import { CannotInject, icmpMessage, tcpDatagram } from './inject.ts';
import { compareIcmp, compareSegments, type MatchRules } from './match.ts';
import { takeIcmp, takeSegment } from './outbox.ts';
import { compareOutcome, namesDescriptor } from './outcome.ts';
import { Mismatch, type ScriptResult } from './result.ts';
import { Schedule } from './schedule.ts';
import type { Settings } from './settings.ts';
import { translate } from './translate.ts';
import { numberOf } from './values.ts';

/** How long a call that should return at once may take, and how long an outstanding one is awaited. */
const CALL_PATIENCE: Micros = 10 * SECOND;
const OUTSTANDING_PATIENCE: Micros = 1 * SECOND;
/** The port of the first connection that a script opens to a listener. */
const FIRST_REMOTE_PORT = 40_000;
const SYN = 0x02;

/** A call that was expected to block. */
interface Outstanding {
  readonly call: SystemCall;
  readonly begun: CallInProgress;
  readonly startedAt: Micros;
  readonly until: Micros;
}

/** What a run needs besides its script. */
export interface RunOptions {
  readonly host: Host;
  readonly settings: Settings;
  readonly mode: 'strict' | 'relaxed';
}

/** Runs a script on a host, event by event. The host is left open. */
export async function runScript(script: Script, options: RunOptions): Promise<ScriptResult> {
  const runner = new Runner(script, options);
  return runner.run();
}

/**
 * The interpreter of one script: where its time stands, which connection it speaks of, and which
 * descriptors it knows.
 */
class Runner {
  readonly #script: Script;
  readonly #host: Host;
  readonly #settings: Settings;
  readonly #mode: RunOptions['mode'];
  readonly #schedule: Schedule;
  readonly #evaluator = new Evaluator();
  /** Descriptors of the host by those of the script. */
  readonly #fds = new Map<number, number>();
  readonly #transcript: string[] = [];
  readonly #warnings: string[] = [];
  /** The connection of the socket under test; null: there is none yet. */
  #conversation: Conversation | null = null;
  /** The socket under test listens: the next packet of the script opens a connection to it. */
  #isListening = false;
  #nextRemotePort = FIRST_REMOTE_PORT;
  #outstanding: Outstanding | null = null;
  /** The counters as they were when the script began to count. */
  #countedBefore: InfoNames = new Map();

  constructor(script: Script, { host, settings, mode }: RunOptions) {
    this.#script = script;
    this.#host = host;
    this.#settings = settings;
    this.#mode = mode;
    this.#schedule = new Schedule(host.now(), settings);
  }

  async run(): Promise<ScriptResult> {
    try {
      await this.#runAll();
    } catch (problem) {
      return this.#resultOf(problem);
    }
    return this.#result({ verdict: 'pass', reason: '', position: null });
  }

  async #runAll(): Promise<void> {
    const { init, events, unsupported } = this.#script;
    const [first] = unsupported;
    if (first !== undefined) throw new Unsupported(first.what);
    const missing = this.#host.missing(this.#script);
    if (missing !== null) throw new Unsupported(missing);
    this.#checkCommands();
    this.#checkCalls();
    this.#countedBefore = await this.#host.counters();
    if (init !== null) await this.#command(init, true);
    for (const event of events) {
      this.#schedule.begin(event, this.#host.now());
      await this.#event(event);
      this.#schedule.end(this.#host.now());
    }
    await this.#awaitOutstanding(OUTSTANDING_PATIENCE);
  }

  /** What no host can do is said before anything runs. */
  #checkCommands(): void {
    const { init, events, cleanup } = this.#script;
    if (cleanup !== null) parseCommand(cleanup.text);
    const actions = events.map(({ action }) => action).filter((a) => a.kind === 'command');
    for (const { text } of init === null ? actions : [init, ...actions]) {
      for (const command of parseCommand(text)) {
        if (command.kind === 'sysctl') this.#host.checkSetting(command.name, command.value);
      }
    }
  }

  #checkCalls(): void {
    for (const { action } of this.#script.events) {
      if (action.kind !== 'call') continue;
      this.#host.check(translate(action, this.#settings, (fd) => fd));
    }
  }

  async #event(event: ScriptEvent): Promise<void> {
    const { action } = event;
    switch (action.kind) {
      case 'tcp':
        if (action.direction === 'outbound') return this.#expectSegment(event, action);
        return this.#atItsTime(event, () => this.#injectSegment(event, action));
      case 'icmp':
        if (action.direction === 'outbound') return this.#expectIcmp(event, action);
        return this.#atItsTime(event, () => this.#injectIcmp(event, action));
      case 'call':
        return this.#atItsTime(event, () => this.#call(event, action));
      case 'command':
        return this.#atItsTime(event, () => this.#command(action, false));
      case 'code':
        return this.#atItsTime(event, () => this.#code(action));
      case 'unsupported':
        throw new Unsupported(action.what);
    }
  }

  /** Waits for the time of an event, and does it. */
  async #atItsTime(event: ScriptEvent, act: () => Promise<void>): Promise<void> {
    await this.#host.passTo(this.#schedule.start);
    const late = this.#schedule.lateness(this.#host.now());
    if (late !== null) this.#mismatch('packet', late, event.position, {});
    this.#note(this.#host.now(), this.#shown(event), '');
    await act();
  }

  // ---- packets ------------------------------------------------------------------------------

  async #injectSegment(event: ScriptEvent, packet: TcpPacket): Promise<void> {
    // a socket that was only bound takes no SYN: it gives the numbers no meaning
    const isTaken = this.#conversation !== null || this.#isListening || this.#fds.size === 0;
    if (this.#conversation === null || this.#isListening) {
      this.#conversation = new Conversation(this.#settings.bindPort, this.#nextRemotePort++);
      this.#isListening = false;
    }
    const conversation = this.#conversation;
    if (isTaken && (packet.flags & SYN) !== 0) {
      conversation.onRemoteSyn(packet.seq.start ?? 0);
    }
    const { local, remote, mss, scalesEcho } = this.#settings;
    const datagram = injected(event, () =>
      tcpDatagram(packet, conversation, {
        addresses: { local, remote },
        scalesEcho: scalesEcho || this.#script.dialect === 'nplab',
      }),
    );
    await this.#host.inject(datagram, mss > 0 && packet.seq.length > mss ? mss : 0);
  }

  async #injectIcmp(event: ScriptEvent, packet: IcmpPacket): Promise<void> {
    const { local, remote } = this.#settings;
    const datagram = injected(event, () =>
      icmpMessage(packet, this.#conversation, { local, remote }),
    );
    await this.#host.inject(datagram, 0);
  }

  async #expectSegment(event: ScriptEvent, packet: TcpPacket): Promise<void> {
    const conversation = this.#conversation;
    if (conversation === null) {
      throw new Mismatch('no connection was opened that could send this', event.position);
    }
    const taken = await takeSegment(this.#host, conversation, packet, {
      limit: this.#schedule.receiveLimit,
      strict: this.#settings.strictSegments || this.#script.dialect === 'nplab',
    });
    if (taken === null) {
      const expected = formatPacket(packet);
      throw new Mismatch('nothing was sent', event.position, { expected });
    }
    const { segment, at, reason } = taken;
    if ((segment.flags & SYN) !== 0) conversation.onLocalSyn(segment.seq, packet.seq.start ?? 0);
    const actual = packetOf(segment, conversation);
    const differences = compareSegments(packet, actual, conversation, this.#rules(at));
    if (segment.text.some((octet) => octet !== 0)) {
      differences.push({ field: 'text', expected: 'zeros', actual: 'other octets' });
    }
    const shown = formatPacket(shownLike(packet, actual, conversation));
    this.#note(at, shown, reason ?? '');
    const details = {
      differences,
      expected: formatPacket(packet),
      actual: shown,
      sendReason: reason,
    };
    if (taken.problem !== null) throw new Mismatch(taken.problem, event.position, details);
    if (differences.length > 0) {
      const fields = differences.map(({ field }) => field).join(', ');
      this.#mismatch('packet', `another ${fields} was sent`, event.position, details);
    }
    this.#learnTimestamp(packet, actual, conversation);
    const late = this.#schedule.sentLateness(at);
    if (late !== null) this.#mismatch('packet', late, event.position, details);
  }

  #rules(at: Micros): MatchRules {
    const { timestampTick: tick, toleranceMicros, tolerancePercent } = this.#settings;
    const age = (at - this.#schedule.origin) * (tolerancePercent / 100);
    const tolerance = Math.max(toleranceMicros, age);
    return { mode: this.#mode, timestamps: { tick, tolerance } };
  }

  #learnTimestamp(packet: TcpPacket, actual: TcpPacket, conversation: Conversation): void {
    if (packet.options === 'any' || actual.options === 'any') return;
    const script = packet.options.find((option) => option.kind === 'timestamps');
    const live = actual.options.find((option) => option.kind === 'timestamps');
    if (script === undefined || live === undefined) return;
    if (script.value !== null && live.value !== null) {
      conversation.onTimestamp(script.value, live.value);
    }
  }

  async #expectIcmp(event: ScriptEvent, packet: IcmpPacket): Promise<void> {
    const taken = await takeIcmp(this.#host, this.#schedule.receiveLimit);
    const expected = formatPacket(packet);
    if (taken === null) throw new Mismatch('nothing was sent', event.position, { expected });
    const { datagram } = taken;
    const actual = formatPacket(taken.packet);
    this.#note(datagram.at, actual, datagram.reason ?? '');
    const differences = compareIcmp(
      icmpNumbers(packet.type, packet.code, 4),
      icmpNumbers(taken.packet.type, taken.packet.code, 4),
    );
    const details = { differences, expected, actual, sendReason: datagram.reason };
    if (differences.length > 0) {
      this.#mismatch('packet', 'another ICMP message was sent', event.position, details);
    }
    const late = this.#schedule.sentLateness(datagram.at);
    if (late !== null) this.#mismatch('packet', late, event.position, details);
  }

  // ---- calls --------------------------------------------------------------------------------

  async #call(event: ScriptEvent, call: SystemCall): Promise<void> {
    await this.#awaitOutstanding(OUTSTANDING_PATIENCE);
    const live = translate(call, this.#settings, (fd) => this.#fds.get(fd) ?? -1);
    const startedAt = this.#host.now();
    const isUnderTest = 'fd' in live && this.#fdUnderTest === numberOf(call.arguments[0]);
    const port = portOpened(live, this.#script.dialect);
    if (port !== null && isUnderTest && !this.#hasConnected) {
      this.#conversation = new Conversation(null, port);
      this.#isListening = false;
      this.#hasConnected = true;
    }
    const begun = await this.#host.begin(live);
    if (live.name === 'socket') this.#onSocket(numberOf(call.result, -1));
    if (live.name === 'listen' && isUnderTest) this.#isListening = true;
    if (call.until !== null) {
      const until = this.#schedule.endOfCall(event, call.until);
      this.#outstanding = { call, begun, startedAt, until };
      return;
    }
    await this.#host.finish(begun, startedAt + CALL_PATIENCE);
    this.#check(call, begun);
  }

  /** The descriptor of the script whose socket is under test. */
  #fdUnderTest = -1;
  #hasConnected = false;

  #onSocket(fd: number): void {
    this.#fdUnderTest = fd;
    this.#hasConnected = false;
    this.#isListening = false;
    this.#conversation = null;
  }

  #check(call: SystemCall, { outcome }: CallInProgress): void {
    if (outcome === null) {
      this.#mismatch('syscall', `${call.name}() does not return`, call.position, {});
      return;
    }
    const differences = compareOutcome(call, outcome, {
      origin: this.#schedule.origin,
      tolerance: this.#settings.toleranceMicros,
    });
    if (namesDescriptor(call) && outcome.value >= 0) {
      this.#fds.set(numberOf(call.result), outcome.value);
    }
    if (call.name === 'close') this.#fds.delete(numberOf(call.arguments[0]));
    if (differences.length === 0) return;
    const [first] = differences;
    const text = `${call.name}(): ${first?.field} is ${first?.actual}, not ${first?.expected}`;
    this.#mismatch('syscall', text, call.position, { differences });
  }

  async #awaitOutstanding(patience: Micros): Promise<void> {
    const outstanding = this.#outstanding;
    if (outstanding === null) return;
    const { call, begun, startedAt, until } = outstanding;
    await this.#host.finish(begun, Math.max(this.#host.now(), until) + patience);
    this.#outstanding = null;
    this.#check(call, begun);
    const late = this.#schedule.callLateness(startedAt, until, begun.endedAt);
    if (late !== null) this.#mismatch('syscall', `${call.name}() ${late}`, call.position, {});
  }

  // ---- the rest -----------------------------------------------------------------------------

  async #code(code: CodeAction): Promise<void> {
    const info = await this.#info();
    const failure = this.#evaluator.run(code, info);
    if (failure === null) return;
    if (failure.kind === 'unsupported') throw new Unsupported(failure.message);
    throw new Mismatch(failure.message, failure.position);
  }

  async #info(): Promise<ReadonlyMap<string, number>> {
    const conversation = this.#conversation;
    const none: ReadonlyMap<string, number> = new Map();
    if (conversation === null) return none;
    const { localPort, remotePort } = conversation;
    return (await this.#host.info({ localPort, remotePort })) ?? none;
  }

  async #command(action: CommandAction, isInit: boolean): Promise<void> {
    for (const command of parseCommand(action.text)) {
      const told = await this.#oneCommand(command, isInit);
      if (told !== null) throw new Mismatch(told, action.position);
    }
  }

  /** @returns what is wrong; null: nothing */
  async #oneCommand(command: Command, isInit: boolean): Promise<string | null> {
    switch (command.kind) {
      case 'sysctl':
        await this.#host.configure(command.name, command.value);
        return null;
      case 'sleep':
        if (!isInit) await this.#host.passTo(this.#host.now() + command.time);
        return null;
      case 'restart counters':
        this.#countedBefore = await this.#host.counters();
        return null;
      case 'counter': {
        const { name, expected } = command;
        const counted = (await this.#host.counters()).get(name);
        if (counted === undefined) throw new Unsupported(`counter ${name}`);
        const count = counted - (this.#countedBefore.get(name) ?? 0);
        const isRight = expected === null ? count !== 0 : count === expected;
        return isRight ? null : `${name} is ${count}`;
      }
      case 'drop':
        await this.#host.drop(command.state);
        return null;
      case 'count': {
        const { state, localPort, expected } = command;
        const states = await this.#host.states({ localPort, remotePort: null });
        const count = states.filter((s) => s === state).length;
        const isRight = expected === null ? count > 0 : count === expected;
        const others = states.join(', ') || 'none';
        return isRight ? null : `${count} connections are in ${state}; the states are: ${others}`;
      }
    }
  }

  #mismatch(
    kind: 'packet' | 'syscall',
    message: string,
    position: Position,
    details: Mismatch['details'],
  ): void {
    if (!this.#settings.nonFatal.has(kind)) throw new Mismatch(message, position, details);
    this.#warnings.push(`line ${position.line}: ${message}`);
  }

  #shown(event: ScriptEvent): string {
    return event.text.replace(/^\S+\s+/, '');
  }

  #note(at: Micros, text: string, reason: string): void {
    const time = ((at - this.#schedule.origin) / SECOND).toFixed(6);
    this.#transcript.push(reason === '' ? `${time} ${text}` : `${time} ${text}  // ${reason}`);
  }

  #resultOf(problem: unknown): ScriptResult {
    if (problem instanceof Unsupported) {
      return this.#result({ verdict: 'unsupported', reason: problem.message, position: null });
    }
    if (problem instanceof Mismatch) {
      const { message: reason, position, details } = problem;
      return this.#result({ verdict: 'fail', reason, position, ...details });
    }
    throw problem;
  }

  #result(
    part: Pick<ScriptResult, 'verdict' | 'reason' | 'position'> & Partial<ScriptResult>,
  ): ScriptResult {
    return {
      transcript: this.#transcript,
      differences: [],
      expected: null,
      actual: null,
      sendReason: null,
      warnings: this.#warnings,
      ...part,
    };
  }
}

/** The port of the remote host that a call connects to (on FreeBSD any write to an address may); null: none. */
function portOpened(call: HostCall, dialect: Script['dialect']): number | null {
  if (call.name !== 'connect' && call.name !== 'write') return null;
  const isFastOpen = call.name === 'write' && (call.flags & Msg.FASTOPEN) !== 0;
  if (call.name === 'write' && !isFastOpen && dialect !== 'nplab') return null;
  return call.to === null || call.to === 'nobody' ? null : call.to.port;
}

function injected<T>(event: ScriptEvent, make: () => T): T {
  try {
    return make();
  } catch (problem) {
    if (problem instanceof CannotInject) throw new Mismatch(problem.message, event.position);
    throw problem;
  }
}

/** What was sent, as the script would write it: what it says nothing of is left out. */
function shownLike(expected: TcpPacket, actual: TcpPacket, conversation: Conversation): TcpPacket {
  const { ip } = expected;
  const options =
    actual.options === 'any'
      ? actual.options
      : actual.options.map((option) =>
          option.kind === 'timestamps' && option.value !== null
            ? { ...option, value: conversation.timestampToScript(option.value) ?? option.value }
            : option,
        );
  return {
    ...actual,
    ports: expected.ports === null ? null : actual.ports,
    ack: expected.ack === null && actual.ack === 0 ? null : actual.ack,
    window: expected.window === null ? null : actual.window,
    ip: {
      ecn: ip.ecn === null ? null : actual.ip.ecn,
      trafficClass: ip.trafficClass === null ? null : actual.ip.trafficClass,
      dscp: ip.dscp === null ? null : actual.ip.dscp,
      ttl: ip.ttl === null ? null : actual.ip.ttl,
      flowLabel: null,
    },
    options,
  };
}
