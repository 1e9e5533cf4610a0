import { existsSync, readFileSync } from 'node:fs';
import type { RecordedEnd } from '../core/dissect/conversations.ts';
import { nameOf, takePart } from '../core/replay/part.ts';
import {
  ConversationFinder,
  type FoundConversation,
  formatEnd,
  isSameEnd,
  type Recording,
  RecordingCollector,
} from '../core/replay/recording.ts';
import type { ReplayOptions } from '../core/replay/replay.ts';
import type { Sidecar } from '../core/replay/sidecar.ts';
import { readSidecar, SidecarError } from '../core/replay/sidecarFile.ts';
import { CaptureInputError, readCapture } from '../node/captureInput.ts';
import { UsageError } from './failure.ts';

/** What is to be replayed of a file. */
export interface Choice {
  /** Default: the first conversation that fits. */
  readonly stream?: number;
  /** `10.0.0.1`, `10.0.0.1:80`, `[2001:db8::1]:80` */
  readonly as?: string;
  /** A file; false: none. Default: the one beside the capture, if there is one. */
  readonly sidecar?: string | false;
}

/** A conversation out of a file, and who is played in it. */
export interface Chosen extends ReplayOptions {
  readonly recording: Recording;
  /** Conversations in the file. */
  readonly conversations: number;
  /** How the file ends, if not well. */
  readonly problem: string | null;
}

/** Ends that are named in a complaint. */
const MAX_NAMED = 8;

/** @throws UsageError if there is no such file, conversation or end */
export async function chooseFrom(file: string, choice: Choice): Promise<Chosen> {
  if (file === '-')
    throw new UsageError('a replay reads its file twice: it takes no standard input');
  const sidecar = sidecarOf(file, choice.sidecar);
  const { found, problem } = await find(file);
  const wanted = choice.as === undefined ? null : parseEnd(choice.as);
  const chosen = chooseConversation(file, found, choice.stream, wanted);
  const { conversation } = chosen;
  const earlier = found.filter(
    (f) => f.conversation.stream < conversation.stream && isBetweenSame(f, chosen),
  );
  const asked = wanted === null ? null : endOf(chosen, wanted);
  const recording = await collect(file, conversation.stream);
  const as = asked ?? defaultEnd(recording, sidecar);
  return {
    recording,
    as,
    sidecar,
    incarnation: earlier.length,
    conversations: found.length,
    problem,
  };
}

/** The name of the sidecar of a capture. */
export function sidecarName(file: string): string {
  return `${file.replace(/(\.pcap|\.pcapng|\.cap)?(\.gz)?$/, '')}.json`;
}

function sidecarOf(file: string, asked: string | false | undefined): Sidecar | null {
  if (asked === false) return null;
  const name = asked ?? sidecarName(file);
  if (asked === undefined && (name === file || !existsSync(name))) return null;
  try {
    return readSidecar(readFileSync(name, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = asked === undefined ? ' (--no-sidecar goes without it)' : '';
    if (error instanceof SidecarError) throw new UsageError(`${name} is no sidecar: ${why}${hint}`);
    throw new UsageError(`${name} cannot be read: ${why}${hint}`);
  }
}

async function find(
  file: string,
): Promise<{ readonly found: FoundConversation[]; readonly problem: string | null }> {
  const finder = new ConversationFinder();
  const input = readCapture(file);
  try {
    for await (const packet of input) finder.add(packet);
  } catch (error) {
    if (error instanceof CaptureInputError) throw new UsageError(error.message);
    throw error;
  }
  const found = finder.found();
  if (found.length === 0) throw new UsageError(`${file} has no TCP conversation`);
  return { found, problem: input.problem };
}

async function collect(file: string, stream: number): Promise<Recording> {
  const collector = new RecordingCollector(stream);
  for await (const packet of readCapture(file)) collector.add(packet);
  const recording = collector.recording();
  if (recording === null) throw new UsageError(`${file} has changed while it was read`);
  return recording;
}

/** An address, with a port or without. */
interface WantedEnd {
  readonly text: string;
  readonly address: string;
  readonly port: number | null;
}

function parseEnd(text: string): WantedEnd {
  const [, bracketed, after] = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? [];
  if (bracketed !== undefined) {
    return {
      text,
      address: bracketed.toLowerCase(),
      port: after === undefined ? null : Number(after),
    };
  }
  const [, address, port] = /^([^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (address !== undefined) return { text, address, port: Number(port) };
  return { text, address: text.toLowerCase(), port: null };
}

function fits(end: RecordedEnd, wanted: WantedEnd): boolean {
  return end.address === wanted.address && (wanted.port === null || end.port === wanted.port);
}

function chooseConversation(
  file: string,
  found: readonly FoundConversation[],
  stream: number | undefined,
  wanted: WantedEnd | null,
): FoundConversation {
  if (stream !== undefined) {
    const chosen = found.find(({ conversation }) => conversation.stream === stream);
    if (chosen !== undefined) return chosen;
    throw new UsageError(`${file} has no conversation ${stream}: it has 0 to ${found.length - 1}`);
  }
  const chosen = found.find(
    ({ conversation }) => wanted === null || conversation.ends.some((end) => fits(end, wanted)),
  );
  if (chosen !== undefined) return chosen;
  const ends = found.flatMap(({ conversation }) => [...conversation.ends]);
  throw new UsageError(`nobody in ${file} is ${wanted?.text}: ${listed(ends)}`);
}

function endOf({ conversation }: FoundConversation, wanted: WantedEnd): RecordedEnd {
  const ends = conversation.ends.filter((end) => fits(end, wanted));
  const [end] = ends;
  if (end === undefined) {
    throw new UsageError(
      `${wanted.text} has no part in conversation ${conversation.stream}: ${listed(conversation.ends)}`,
    );
  }
  if (ends.length > 1) {
    throw new UsageError(`${wanted.text} is both ends: add a port: ${listed(ends)}`);
  }
  return end;
}

function listed(ends: readonly RecordedEnd[]): string {
  const names = [...new Set(ends.map(formatEnd))];
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return `--as can be ${names.slice(0, MAX_NAMED).join(', ')}${more}`;
}

/** The one kernel among the ends, else who opened; without a sidecar, where it was captured. */
function defaultEnd(recording: Recording, sidecar: Sidecar | null): RecordedEnd {
  const [opener, other] = recording.ends;
  if (sidecar === null) {
    const isNear = (end: RecordedEnd): boolean => takePart(recording, end, null).isNear;
    return !isNear(opener) && isNear(other) ? other : opener;
  }
  const kernels = recording.ends.filter((end) => {
    const name = nameOf(end, sidecar);
    return name !== null && sidecar.ends[name].stack === 'linux';
  });
  return kernels.length === 1 ? (kernels[0] ?? opener) : opener;
}

function isBetweenSame(a: FoundConversation, b: FoundConversation): boolean {
  return a.conversation.ends.every((end) =>
    b.conversation.ends.some((other) => isSameEnd(end, other)),
  );
}
