import type { RecordedEnd } from '../dissect/conversations.ts';
import { fullSegment } from './fullSegment.ts';
import { GUESS, type Guess, OTHER_GUESSES } from './guess.ts';
import { type Part, takePart } from './part.ts';
import { type Outcome, Player } from './player.ts';
import { ReadSchedule } from './readSchedule.ts';
import type { Recording } from './recording.ts';
import { type Script, scriptOf } from './script.ts';
import { compareMeanings, type SemanticVerdict } from './semantic.ts';
import type { Sidecar } from './sidecar.ts';
import { compareSegments, type Score, scoreOfVerdicts, type Verdict } from './verdicts.ts';

/** Which part of a recording is played, and how. */
export interface ReplayOptions {
  /** One of the ends of the recording. */
  readonly as: RecordedEnd;
  readonly sidecar: Sidecar | null;
  /** Which conversation of the same two sockets it is, the first being 0. */
  readonly incarnation?: number;
}

/** What a replay found out. */
export interface Replay {
  readonly recording: Recording;
  readonly part: Part;
  readonly script: Script;
  readonly outcome: Outcome;
  /** Of every segment, in the order of time. */
  readonly verdicts: readonly Verdict[];
  readonly strict: Score;
  /** Of what an application at the other end and its TCP would notice. */
  readonly meanings: readonly SemanticVerdict[];
  readonly semantic: Score;
  /** What was guessed of the recorded host; null: a sidecar told all. */
  readonly guess: Guess | null;
  /** Replays with one guess or another, of which this is the best. */
  readonly trials: number;
}

/** One replay, with one guess. */
type Played = Omit<Replay, 'guess' | 'trials'>;

/** Longer recordings are played once: the first guess must do. */
const MAX_TRIAL = 5_000;

/**
 * Puts this stack in the place of one end of a recorded conversation, and compares what it sends
 * with what was recorded. Nothing but the recording decides the outcome: time is virtual.
 */
export function replay(recording: Recording, options: ReplayOptions): Replay {
  const { as, sidecar, incarnation = 0 } = options;
  const part = takePart(recording, as, sidecar);
  const stage: Stage = { recording, part };
  const scriptFor = (guess: Guess): Script => scriptOf(part, sidecar, incarnation, guess);
  const first = play(stage, scriptFor(GUESS));
  if (first.script.source === 'sidecar') return { ...first, guess: null, trials: 1 };
  if (part.events.length > MAX_TRIAL) return { ...first, guess: GUESS, trials: 1 };
  let guess = GUESS;
  let best = first;
  let trials = 1;
  // one may show only once the other is right: all are tried twice
  for (const other of [...OTHER_GUESSES, ...OTHER_GUESSES]) {
    if (best.strict.fidelity === 1) break;
    const changed = { ...guess, ...other };
    const tried = play(stage, scriptFor(changed));
    trials++;
    if (merit(tried) <= merit(best)) continue;
    best = tried;
    guess = changed;
  }
  for (const attempt of guessesToRefine(part, guess)) {
    if (best.strict.fidelity === 1) break;
    const refined = refineReads(stage, play(stage, scriptFor(attempt)));
    trials += refined.trials;
    if (merit(refined.played) <= merit(best)) continue;
    best = refined.played;
    guess = attempt;
  }
  return { ...best, guess, trials };
}

/** What the windows seem to say of a host depends on when it read, and the other way round. */
function guessesToRefine(part: Part, guess: Guess): Guess[] {
  const layout = guess.layout === 'linear' ? 'paged' : 'linear';
  const guesses: Guess[] = [guess, { ...guess, layout }];
  const hasSack = part.events.some(
    (e) => e.from === 'own' && e.segment.options.sackBlocks.length > 0,
  );
  const compressedAcks = guess.compressedAcks === 0 ? GUESS.compressedAcks : 0;
  return hasSack ? [...guesses, ...guesses.map((g) => ({ ...g, compressedAcks }))] : guesses;
}

/** What stays the same in all trials. */
type Stage = Pick<Replay, 'recording' | 'part'>;

/** Events that are played for the sake of the reads, at most. */
const MOST_EVENTS = 20_000;
/** After so many wrong windows that no read explains, others are not looked at. */
const MOST_UNEXPLAINED = 8;
/** So many segments more that agree are progress enough. */
const ENOUGH = 12;

/** Corrects when the application read, from the first wrong window on to the last. */
function refineReads(stage: Stage, first: Played): { played: Played; trials: number } {
  const most = Math.floor(MOST_EVENTS / Math.max(1, stage.part.events.length));
  let current: Refined = {
    played: first,
    schedule: ReadSchedule.of(stage.part, first.script.calls),
  };
  let trials = 0;
  let passed = 0;
  for (let unexplained = 0; trials < most && unexplained < MOST_UNEXPLAINED; ) {
    const place = firstWrong(current.played, passed);
    const wrong = current.played.verdicts[place];
    if (wrong === undefined) break;
    if (mayBeOfReads(wrong)) {
      const others = current.schedule.othersAt(wrong).slice(0, most - trials);
      const better = betterAt(stage, current, others, passed);
      trials += better.trials;
      if (better.found !== null) {
        current = better.found;
        continue;
      }
      unexplained++;
    }
    passed = place + 1;
  }
  return { played: current.played, trials };
}

interface Refined {
  readonly played: Played;
  readonly schedule: ReadSchedule;
}

/** The schedule that agrees furthest behind `passed`, if one agrees further than the current. */
function betterAt(
  stage: Stage,
  { played }: Refined,
  others: readonly ReadSchedule[],
  passed: number,
): { readonly found: Refined | null; readonly trials: number } {
  const place = firstWrong(played, passed);
  let found: Refined | null = null;
  let reached = place;
  let trials = 0;
  for (const other of others) {
    const calls = other.calls();
    const written = calls.map(({ call }) => call);
    const tried = play(stage, { ...played.script, calls, written });
    trials++;
    const next = firstWrong(tried, passed);
    if (next <= reached || wrongBefore(tried, passed) > wrongBefore(played, passed)) continue;
    reached = next;
    found = { played: tried, schedule: other };
    if (next >= place + ENOUGH) break;
  }
  return { found, trials };
}

/** A window hangs on reads, and so do the ACKs that announce one. */
function mayBeOfReads({ result, fields, segment }: Verdict): boolean {
  return result === 'different' ? fields.includes('window') : segment.length === 0;
}

/** Index of the first verdict from `from` on that is not `same`. */
function firstWrong({ verdicts }: Played, from: number): number {
  const found = verdicts.findIndex(({ result }, i) => i >= from && result !== 'same');
  return found < 0 ? verdicts.length : found;
}

function wrongBefore({ verdicts }: Played, end: number): number {
  return verdicts.slice(0, end).filter(({ result }) => result !== 'same').length;
}

function play({ recording, part }: Stage, script: Script): Played {
  const outcome = new Player(part, script).play();
  const verdicts = compareSegments(part, outcome.sent, fullSegment(part, script.mtu));
  const meanings = compareMeanings(part, outcome);
  return {
    recording,
    part,
    script,
    outcome,
    verdicts,
    strict: scoreOfVerdicts(verdicts),
    meanings,
    semantic: scoreOfVerdicts(meanings),
  };
}

/** A guess under which the conversation means something else is none, whatever its windows. */
function merit({ strict, semantic }: Played): number {
  return strict.fidelity + semantic.fidelity;
}
