// mining.configure: the extensions that a miner asks for, and what it is answered [BIP 310].
import { hexU32, parseHexU32 } from './hex.ts';
import { type Request, resultLine } from './json-rpc.ts';

/** The miner's wishes. An extension whose parameters cannot be read counts as not asked for, and is answered `false`. */
export interface Configure {
  readonly kind: 'configure';
  readonly id: string;
  /** Every name that was asked for, known or not, in that order. */
  readonly extensions: readonly string[];
  /** `mask` of the bits that the device can roll, u32; `minBitCount` of those that it wants, which is never a reason to refuse it. */
  readonly versionRolling: { readonly mask: number; readonly minBitCount: number } | undefined;
  /** Difficulty; 0: none after all. */
  readonly minimumDifficulty: number | undefined;
  readonly subscribeExtranonce: boolean;
  /** About the device; only what was text. */
  readonly info: {
    readonly connectionUrl: string | undefined;
    readonly hwVersion: string | undefined;
    readonly swVersion: string | undefined;
    readonly hwId: string | undefined;
  };
}

/** What a server grants. */
export interface ConfigureGrants {
  /** Bits that may be rolled, u32; 0: none. */
  readonly versionMask: number;
  /** The device's minimum will be respected. */
  readonly minimumDifficulty: boolean;
  /** mining.set_extranonce may be sent. */
  readonly subscribeExtranonce: boolean;
}

/** `undefined`: the first parameter is no list of names. */
export function readConfigure({ id, params }: Request): Configure | undefined {
  const [names, given] = params;
  if (!Array.isArray(names)) return undefined;
  const extensions = names.filter((name) => typeof name === 'string');
  const values: Readonly<Record<string, unknown>> = typeof given === 'object' && given !== null ? { ...given } : {};
  const asks = (name: string) => extensions.includes(name);
  return {
    kind: 'configure',
    id,
    extensions,
    versionRolling: asks('version-rolling') ? versionRolling(values) : undefined,
    minimumDifficulty: asks('minimum-difficulty') ? minimumDifficulty(values['minimum-difficulty.value']) : undefined,
    subscribeExtranonce: asks('subscribe-extranonce'),
    info: {
      connectionUrl: text(values['info.connection-url']),
      hwVersion: text(values['info.hw-version']),
      swVersion: text(values['info.sw-version']),
      hwId: text(values['info.hw-id']),
    },
  };
}

/** The mask that both sides agree on, u32; 0: versions are not rolled. */
export function agreedMask(request: Configure, { versionMask }: ConfigureGrants): number {
  return ((request.versionRolling?.mask ?? 0) & versionMask) >>> 0;
}

/** Answers each extension that was asked for, and none else. */
export function configureResultLine(request: Configure, grants: ConfigureGrants): string {
  const mask = agreedMask(request, grants);
  const answers: Readonly<Record<string, boolean>> = {
    'version-rolling': mask !== 0,
    'minimum-difficulty': grants.minimumDifficulty && request.minimumDifficulty !== undefined,
    'subscribe-extranonce': grants.subscribeExtranonce,
    info: true,
  };
  const entries = request.extensions.flatMap((name): [string, unknown][] => {
    const answer: [string, unknown] = [name, Object.hasOwn(answers, name) && answers[name]];
    return name === 'version-rolling' && mask !== 0 ? [answer, ['version-rolling.mask', hexU32(mask)]] : [answer];
  });
  return resultLine(request.id, Object.fromEntries(entries));
}

function versionRolling(values: Readonly<Record<string, unknown>>): Configure['versionRolling'] {
  const given = values['version-rolling.mask'];
  const mask = given === undefined ? 0xffff_ffff : parseHexU32(given);
  if (mask === undefined) return undefined;
  const count = values['version-rolling.min-bit-count'];
  // BIP 310 has it as a mask in one place and as a number in its examples.
  return { mask, minBitCount: typeof count === 'number' ? count : (parseHexU32(count) ?? 0) };
}

function minimumDifficulty(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
