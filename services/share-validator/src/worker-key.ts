/** One text for each pair, whatever characters the names have. */
export const workerKey = (identity: string, worker: string): string => `${identity.length} ${identity}${worker}`;
