// Bits of SetupConnection.flags and SetupConnection.Success.flags; bit 0 is the least significant one.

/** SetupConnection.flags of the mining protocol [sv2 5.3.1]. */
export const miningClientFlags = {
  /** The client handles standard jobs only. */
  REQUIRES_STANDARD_JOBS: 1 << 0,
  /** The client will send SetCustomMiningJob. */
  REQUIRES_WORK_SELECTION: 1 << 1,
  /** The client needs jobs whose version may be rolled. */
  REQUIRES_VERSION_ROLLING: 1 << 2,
} as const;

/** SetupConnection.Success.flags of the mining protocol [sv2 5.3.1]. */
export const miningServerFlags = {
  /** The server accepts no change to the version; excluded when the client requires rolling. */
  REQUIRES_FIXED_VERSION: 1 << 0,
  /** The server opens no standard channels. */
  REQUIRES_EXTENDED_CHANNELS: 1 << 1,
} as const;

/** SetupConnection.flags of the job declaration protocol [sv2 6.4.1]. */
export const jobDeclarationClientFlags = {
  /** The client agrees to reveal its transactions: full-template mode. */
  DECLARE_TX_DATA: 1 << 0,
} as const;

/** SetupConnection.protocol. */
export const protocols = { mining: 0, jobDeclaration: 1, templateDistribution: 2 } as const;

/** The one protocol version there is. */
export const PROTOCOL_VERSION = 2;
