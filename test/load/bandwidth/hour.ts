// The hour that is measured, and how often in it a new template or a block comes.

export interface Hour {
  readonly miners: number;
  /** Of each miner. */
  readonly sharesPerMinute: number;
  readonly templateSeconds: number;
  /** A multiple of `templateSeconds`: a block brings a template as well. */
  readonly blockSeconds: number;
  /** 3,600, or less to try the tool out. */
  readonly seconds: number;
}

export const wholeHour: Hour = {
  ...{ miners: 1_000, sharesPerMinute: 6, templateSeconds: 30, blockSeconds: 600, seconds: 3_600 },
};
export const tryOut: Hour = { ...wholeHour, miners: 40, seconds: 240, blockSeconds: 120 };

/** Shares of all miners. */
export const sharesOf = ({ miners, sharesPerMinute, seconds }: Hour) => (miners * sharesPerMinute * seconds) / 60;
export const templatesOf = ({ seconds, templateSeconds }: Hour) => seconds / templateSeconds;
export const blocksOf = ({ seconds, blockSeconds }: Hour) => seconds / blockSeconds;
/** Shares of each miner between two templates. */
export const sharesATemplate = ({ sharesPerMinute, templateSeconds }: Hour) => (sharesPerMinute * templateSeconds) / 60;
