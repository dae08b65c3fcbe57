// Rolling of the header's version by a mask that both sides have agreed on [BIP 310, 320, 323]. Versions, bits and masks are u32.

/** The 16 bits of BIP 320, which every device knows. */
export const BIP320_MASK = 0x1fff_e000;
/** The 24 bits of BIP 323, which replaces it. */
export const BIP323_MASK = 0x1fff_ffe0;

/**
 * Version of a share's header: (job & ~mask) | bits.
 * @param versionBits the sixth parameter of mining.submit; `undefined`: the version of the job.
 * @param mask the one in force for the job; 0: none was agreed on. Then bits of clients that always send six parameters are taken when they
 * change nothing: 0, or the version of the job. A server that takes the shares of devices that roll without having asked gives its own mask.
 * Returns `undefined` when a bit outside of the mask is set [BIP 310].
 */
export function submittedVersion(
  jobVersion: number,
  versionBits: number | undefined,
  mask: number,
): number | undefined {
  if (versionBits === undefined) return jobVersion;
  if (mask === 0) return versionBits === 0 || versionBits === jobVersion ? jobVersion : undefined;
  if ((versionBits & ~mask) !== 0) return undefined;
  return ((jobVersion & ~mask) | versionBits) >>> 0;
}
