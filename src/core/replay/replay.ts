import type { RecordedEnd } from '../dissect/conversations.ts';
import { fullSegment } from './fullSegment.ts';
import { GUESS, type Guess, OTHER_GUESSES } from './guess.ts';
import { type Part, takePart } from './part.ts';
import { type Outcome, Player } from './player.ts';
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
  const playAs = (guess: Guess): Played =>
    play(recording, part, scriptOf(part, sidecar, incarnation, guess));
  let guess = GUESS;
  let best = playAs(guess);
  if (best.script.source === 'sidecar') return { ...best, guess: null, trials: 1 };
  if (part.events.length > MAX_TRIAL) return { ...best, guess, trials: 1 };
  let trials = 1;
  // one may show only once the other is right: all are tried twice
  for (const other of [...OTHER_GUESSES, ...OTHER_GUESSES]) {
    if (best.strict.fidelity === 1) break;
    const changed = { ...guess, ...other };
    const tried = playAs(changed);
    trials++;
    if (merit(tried) <= merit(best)) continue;
    best = tried;
    guess = changed;
  }
  return { ...best, guess, trials };
}

function play(recording: Recording, part: Part, script: Script): Played {
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
