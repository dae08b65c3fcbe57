/** Exit codes of every command. */
export const ExitCode = { ok: 0, failed: 1, usage: 2 } as const;
