// Counted in plain numbers and read at a scrape: a share costs no call into the metrics.
import { type FindingName, findingNames } from './findings.ts';

export class ValidatorCounters {
  batches = 0;
  /** Records that were read again or repeat the one before. */
  recordsAgain = 0;
  shares = 0;
  creditedShares = 0;
  /** Expected hashes, as a double. */
  creditedWork = 0;
  /** The same of blocks that pay the miner. */
  minerPaidShares = 0;
  minerPaidWork = 0;
  readonly findings = Object.fromEntries(findingNames.map((name) => [name, 0])) as Record<FindingName, number>;
  failedTurns = 0;
  failedAppends = 0;
  jobFetches = 0;
  solutions = 0;
  solutionsDropped = 0;
  /** Told the seconds of each append that was acknowledged. */
  onAppend: (seconds: number) => void = () => undefined;
}
