/** When shares are sent. */
export interface ShareMode {
  /** Shares that were due and were left out. */
  readonly skipped: number;
  start(): void;
  stop(): void;
}
