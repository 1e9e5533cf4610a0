import { SEND_REASONS } from '../base/reasons.ts';
import type { Conversations } from '../trace/conversations.ts';
import type { Guess } from './guess.ts';
import { formatTime, ladderOf } from './ladder.ts';
import { countedFrom, formatSegment } from './notation.ts';
import { formatEnd, ORIGIN } from './recording.ts';
import type { Replay } from './replay.ts';
import type { SemanticVerdict } from './semantic.ts';
import { formatSendReason, type Score, type Verdict } from './verdicts.ts';

/** Strict: every segment; semantic: what the other end would notice. */
export type Mode = 'strict' | 'semantic';

const RESULT_WIDTH = 10;

/** The result for people: a line for each verdict, the first divergence, and the sum. */
export function* reportLines(replay: Replay, mode: Mode): Generator<string> {
  const { part, script, outcome } = replay;
  const who =
    part.name === null ? formatEnd(part.own) : `${formatEnd(part.own)}, the ${part.name},`;
  const how =
    script.source === 'sidecar' ? 'calls from the sidecar' : 'calls inferred from the recording';
  yield `this stack in the place of ${who} towards ${formatEnd(part.peer)}; ${how}`;
  if (replay.guess !== null) yield guessLine(replay.guess, replay.trials);
  if (part.isMidway) yield 'the recording begins midway: a handshake was made up';
  if (part.lag > 0) yield `captured ${(part.lag / 1000).toFixed(3)} ms away, there and back`;
  yield '';
  if (mode === 'strict') yield* strictLines(replay);
  else for (const verdict of replay.meanings) yield semanticLine(verdict);
  for (const { at, text } of outcome.notes) yield `note at ${formatTime(at)}: ${text}`;
  const { stopped } = outcome;
  if (stopped !== null) yield `stopped at ${formatTime(stopped.at)}: ${stopped.text}`;
  if (replay.recording.limit !== null) yield replay.recording.limit;
  const ladder = ladderOf(replay);
  if (ladder.length > 0 && scoreIn(replay, mode).fidelity < 1) {
    yield '';
    yield 'the first divergence:';
    yield* ladder;
  }
  yield '';
  yield summary(scoreIn(replay, mode), mode);
}

/** What was fitted to the recording is said: the figure is the best of so many. */
function guessLine(guess: Guess, trials: number): string {
  const { layout, wakingTime, compressedAcks, earlyRetransmit } = guess;
  const fit = trials === 1 ? 'not varied' : `the best fit of ${trials} replays`;
  return (
    `guessed of its host: ${layout} receive buffers, a reader that runs ${wakingTime} us after it is ` +
    `woken, tcp_comp_sack_nr ${compressedAcks}, tcp_early_retrans ${earlyRetransmit}; ${fit}`
  );
}

/** The score that counts. */
export function scoreIn(replay: Replay, mode: Mode): Score {
  return mode === 'strict' ? replay.strict : replay.semantic;
}

/** `fidelity 0.857 (strict): 6 same, 0 earlier or later, 1 different, 0 missing, 0 extra` */
export function summary(score: Score, mode: Mode): string {
  const { fidelity, same, timing, different, missing, extra } = score;
  return (
    `fidelity ${formatFidelity(fidelity)} (${mode}): ${same} same, ${timing} earlier or later, ` +
    `${different} different, ${missing} missing, ${extra} extra`
  );
}

/** Three digits, and never rounded up: 1.000 is all. */
export function formatFidelity(fidelity: number): string {
  return (Math.floor(fidelity * 1000) / 1000).toFixed(3);
}

function* strictLines({ part, verdicts }: Replay): Generator<string> {
  const recorded = countedFrom(part);
  const ours = countedFrom(part);
  for (const verdict of verdicts) {
    const { result, fields, number, segment, reason } = verdict;
    const why = reason === null ? '' : ` — ${formatSendReason(reason)}`;
    const what = fields.length > 0 ? ` in ${fields.join(', ')}` : '';
    const line = formatSegment(segment, number === null ? ours : recorded);
    yield `${result.padEnd(RESULT_WIDTH)}${what} ${formatTime(verdict.at)} ${line}${why}`;
    if (number === null) continue;
    for (const sent of verdict.ours) {
      const shown = formatSegment(sent.segment, ours);
      if (result !== 'same')
        yield `${'  ours'.padEnd(RESULT_WIDTH)} ${formatTime(sent.at)} ${shown}`;
    }
  }
}

function semanticLine({ result, at, what, difference }: SemanticVerdict): string {
  const how = difference === null ? '' : `: ${difference}`;
  return `${result.padEnd(RESULT_WIDTH)} ${formatTime(at)} ${what}${how}`;
}

/** The result for programs. Times are seconds since the first packet of the capture. */
export function reportObject(replay: Replay, mode: Mode): Record<string, unknown> {
  const { part, script, outcome, recording } = replay;
  const { stopped } = outcome;
  return {
    stream: recording.stream,
    as: formatEnd(part.own),
    peer: formatEnd(part.peer),
    mode,
    ...scoreIn(replay, mode),
    strict: replay.strict,
    semantic: replay.semantic,
    segments: replay.verdicts.map((verdict) => verdictObject(verdict, countedFrom(part))),
    events: replay.meanings.map((m) => ({ ...m, at: seconds(m.at) })),
    application: { source: script.source, calls: script.written },
    config: script.config,
    guess: replay.guess,
    trials: replay.trials,
    midway: part.isMidway,
    lag: part.lag / 1e6,
    notes: outcome.notes.map(({ at, text }) => ({ at: seconds(at), text })),
    stoppedAt: stopped === null ? null : seconds(stopped.at),
    stoppedBecause: stopped === null ? null : stopped.text,
    limit: recording.limit,
  };
}

function verdictObject(verdict: Verdict, conversations: Conversations): Record<string, unknown> {
  const { result, number, at, fields, reason, segment, ours } = verdict;
  return {
    result,
    packet: number,
    at: seconds(at),
    fields,
    reason,
    rfc: reason === null ? null : SEND_REASONS[reason].rfc,
    recorded: number === null ? null : formatSegment(segment, conversations),
    ours: ours.map((o) => ({
      at: seconds(o.at),
      segment: formatSegment(o.segment, conversations),
    })),
  };
}

function seconds(at: number): number {
  return Math.round(at - ORIGIN) / 1e6;
}
