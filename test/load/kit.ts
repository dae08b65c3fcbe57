// What the connections of one worker share: cryptography, buffers, counters, and whoever wants to hear of answers and tips.
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend } from '@sluice/noise/ec';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { extendedShareFrameSize, STANDARD_SHARE_FRAME_SIZE } from '@sluice/sv2/fast/submit-shares';
import type { LoadChannel } from './channel.ts';
import { LatencyHistogram } from './measure/latency-histogram.ts';
import { ShareWindow } from './measure/share-window.ts';
import { Traffic } from './measure/traffic.ts';
import type { MinerConnection } from './miner-connection.ts';
import { type OpenPhase, openPhases, type WorkerPlan } from './orders.ts';
import { SearchQueue } from './search-queue.ts';
import { ShareSearch } from './share-search.ts';

const BUFFER_BYTES = 65_536;

export class Kit {
  readonly plan: WorkerPlan;
  readonly aead: AeadBackend = wasmAead();
  readonly ec: EcBackend;
  readonly sha256d = wasmSha256d;
  readonly search: ShareSearch;
  readonly searches = new SearchQueue();
  /** What a socket has read; good during the call only. */
  readonly input = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** Sealed frames on their way to a socket. */
  output = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  readonly sent = new Traffic();
  readonly received = new Traffic();
  phases = emptyPhases();
  window = new ShareWindow();
  readonly counts = { sent: 0, acknowledged: 0, refused: 0, overtaken: 0, miscounted: 0 };
  readonly refusedByCode = new Map<string, number>();
  readonly lost = new Map<string, number>();
  /** Whether shares may be sent. */
  sending = false;
  /** `count` shares of a channel were answered. */
  onAnswered: ((connection: MinerConnection, channel: LoadChannel, count: number) => void) | undefined;
  /** `prevHash` is good during the call only. */
  onTip: ((connection: MinerConnection, prevHash: Uint8Array, now: number) => void) | undefined;
  readonly #frames = new Map<number, Uint8Array>();

  constructor(plan: WorkerPlan) {
    this.plan = plan;
    this.ec = fastestEc(findSecp256k1Wasm(), randomBytes);
    this.search = new ShareSearch(this.sha256d, plan.sendBlocks);
  }

  /** Room for one frame of a share, exactly as long as it is. */
  shareFrame(extranonceSize: number): Uint8Array {
    let frame = this.#frames.get(extranonceSize);
    if (frame === undefined) {
      const standard = this.plan.kind !== 'extended';
      frame = new Uint8Array(standard ? STANDARD_SHARE_FRAME_SIZE : extendedShareFrameSize(extranonceSize));
      this.#frames.set(extranonceSize, frame);
    }
    return frame;
  }

  /** Another connection's next bytes must not overwrite what a socket still holds. */
  newOutput(): void {
    this.output = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  forgetPhases(): void {
    this.phases = emptyPhases();
  }
}

function emptyPhases(): Record<OpenPhase, LatencyHistogram> {
  return Object.fromEntries(openPhases.map((phase) => [phase, new LatencyHistogram()])) as Record<
    OpenPhase,
    LatencyHistogram
  >;
}
