// Tables of docs/ that the model reads, by their titles: whoever writes one has its title from here, or the model has it from there.

/** Or how they begin. */
export const tables = {
  shares: 'Shares',
  sharesByProcess: 'CPU µs a share by process',
  openings: 'Connections opened',
  tips: 'A new tip',
  appends: 'Appends to one stream',
  opensByProcess: 'CPU µs of an open',
  ownSharesByProcess: 'CPU µs of a share',
  payload: 'TCP payload',
  headers: 'With the headers',
  messages: 'Standard channels',
  memory: 'Memory over the last',
  largePool: 'Ten thousand connections',
} as const;

/** Rows of the table of ten thousand connections. */
export const largePoolRows = { shares: '1,000 shares/s', tip: 'a new tip, after the first one' } as const;
