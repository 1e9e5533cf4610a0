import type { Lab } from './lab.ts';

/** What a person may choose. */
export interface ScenarioOptions {
  /** Keepalive probes before giving up; default: Linux's 9. */
  readonly probes?: number;
}

/** A story of two or more hosts that shows one thing. */
export interface Scenario {
  /** As on the command line. */
  readonly name: string;
  /** The sentence of the document that it shows, or corrects. */
  readonly claim: string;
  /** What has been seen, in one paragraph. */
  readonly shows: string;
  /** Lets it happen. @returns its outcome, as plain data */
  run(lab: Lab, options: ScenarioOptions): Promise<Readonly<Record<string, unknown>>>;
}
