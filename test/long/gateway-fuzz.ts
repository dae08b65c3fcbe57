// Hostile peers at length, against a gateway that listens on loopback: broken handshakes, and fuzzed frames in every state of a
// connection, with the memory looked at on the way:
//   npm run fuzz -- [--frames 1000000] [--handshakes 10000] [--seed N] [--frame-bytes 4] [--handshake-bytes 200]
// The last two are what each may leave behind: a short run is all warm-up and needs more.
// Exit code 1 when an exception left a handler, a connection stayed that should not, a path was not reached, or memory kept growing.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { ManualClock } from '@sluice/runtime/clock';
import { randomBytes } from '@sluice/runtime/random';
import { MessageRouter } from '@sluice/server/message-router';
import { miningClientFlags } from '@sluice/sv2/flags';
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { fuzzedFrame, randomGenerator } from '../../services/connection-gateway/test/support/fuzz.ts';
import { aead, ec, TestGateway } from '../../services/connection-gateway/test/support/test-gateway.ts';
import { TestMiner } from '../../services/connection-gateway/test/support/test-miner.ts';
import { handshakeKinds, sendBrokenHandshake } from './broken-handshake.ts';
import { type Look, slope } from './memory-slope.ts';

const LOOKS = 20;
/** Longer than any stream of the bus remembers the ids of its records. */
const BUS_FORGETS_MS = 3_600_000;
/** Looks until compiled code and buffers have their size. */
const WARM_UP_LOOKS = 4;
const MAX_BURST = 20;
/** Connections that may be open before the deadlines of all of them are let pass. */
const MANY = 50;

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    handshakes: { type: 'string', default: '10000' },
    'frame-bytes': { type: 'string', default: '4' },
    'handshake-bytes': { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with --expose-gc');
console.log(`seed ${values.seed}`);

const random = randomGenerator(Number(values.seed));
const busClock = new ManualClock();
const bus = await createInProcessBus({ clock: busClock, onError: () => undefined });
const limits = { messagesPerSecond: 1e9, messagesPerSecondPerAddress: 1e9, connectionsPerSecond: 1e9, lingerMs: 1 };
const gateway = await TestGateway.start({ bus, limits });
const server = createServer({ noDelay: true }, (socket) => gateway.gateway.accept(socket, '127.0.0.1'));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const mistakes: string[] = [];

let miner: TestMiner | undefined;
await phase('broken handshakes', Number(values.handshakes), Number(values['handshake-bytes']), brokenHandshake);
for (const reason of [
  'left-before-handshake',
  'left-before-setup',
  'handshake-timeout',
  'setup-timeout',
  'decryption-failed',
] as const)
  if (gateway.counters.closed[reason] === 0) mistakes.push(`no handshake ended as ${reason}`);
/** Of the miner's channel, when it has one. */
let channelId = 0;
/** Frames that got to the handlers: what is sent behind a frame that ends the connection is not counted. */
let handled = 0;
const { route } = MessageRouter.prototype;
MessageRouter.prototype.route = function (...frame) {
  handled += 1;
  route.apply(this, frame);
};
await phase('fuzzed frames', Number(values.frames), Number(values['frame-bytes']), someFrames);

const { closed, handshakes, ignoredMessages, sharesAccepted, sharesRefused, channelsOpened } = gateway.counters;
console.log({ closed, handshakes, ignoredMessages, sharesAccepted, sharesRefused, channelsOpened });
if (closed['handler-failed'] > 0) mistakes.push(`${closed['handler-failed']} exceptions in handlers`);
if (closed['malformed-message'] === 0 || sharesAccepted === 0) mistakes.push('the frames did not reach every path');
await gateway.stop();
server.close();
console.log(mistakes.length === 0 ? 'every promise was kept' : mistakes.map((line) => `BROKEN: ${line}`).join('\n'));
process.exit(mistakes.length === 0 ? 0 : 1);

/** Runs cases until there were so many, and looks at the memory on the way. */
async function phase(name: string, count: number, mayLeave: number, run: () => Promise<number>): Promise<void> {
  const looks: Look[] = [];
  const step = Math.max(1, Math.ceil(count / LOOKS));
  for (let done = 0; done < count; ) {
    const end = Math.min(count, done + step);
    while (done < end) done += await run();
    await endConnections();
    // The stream is in this process too.
    const { lastSequence } = await bus.state('SHARES');
    await bus.trim('SHARES', lastSequence + 1);
    busClock.advance(BUS_FORGETS_MS);
    await collectAll();
    // What array buffers hold is in `external`.
    const { heapUsed, external } = process.memoryUsage();
    const bytes = heapUsed + external;
    looks.push({ done, bytes });
    console.log(`${name}: ${done} of ${count}, ${(bytes / 1_048_576).toFixed(2)} MiB in use`);
  }
  const left = slope(looks.slice(WARM_UP_LOOKS));
  console.log(`${name}: ${left.toFixed(1)} bytes left by each`);
  if (!(left <= mayLeave)) mistakes.push(`${name}: each leaves ${left.toFixed(1)} bytes, where ${mayLeave} may be`);
}

/** Whatever is open has buffers of its own, more or less at each look. */
async function endConnections(): Promise<void> {
  miner?.socket.destroy();
  miner = undefined;
  passDeadlines();
  await sleep(100);
  if (gateway.gateway.connections.size > 0) mistakes.push('connections stayed after their end');
}

/** What a first collection finds may be freed by a second. */
async function collectAll(): Promise<void> {
  collect?.();
  await sleep(50);
  collect?.();
}

/** One of any kind, and then silence, an end, or a reset. */
async function brokenHandshake(): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  const kind = handshakeKinds[Math.floor(random() * handshakeKinds.length)]!;
  if (!(await sendBrokenHandshake(kind, socket, random))) mistakes.push(`${kind}: no act 2`);
  await turn();
  const ending = random();
  if (ending < 0.5) socket.end();
  else if (ending < 0.75) socket.resetAndDestroy();
  else passDeadlines();
  await turn();
  if (gateway.gateway.connections.size > MANY) {
    passDeadlines();
    await turn();
    if (gateway.gateway.connections.size > 0) mistakes.push('connections stayed after their deadlines');
  }
  return 1;
}

function passDeadlines(): void {
  gateway.clock.advance(20_000);
  gateway.gateway.sweep();
}

/** A burst on one connection; returns how many frames of it were handled. */
async function someFrames(): Promise<number> {
  if (miner === undefined || miner.closed) miner = await connectedMiner();
  const before = handled;
  for (let burst = Math.floor(random() * MAX_BURST); burst >= 0; burst--) {
    const frame = random() < 0.6 ? nonsenseShare() : Uint8Array.from(fuzzedFrame(random));
    if (random() < 0.005) lieAboutLength(frame);
    miner.sendFrame(frame);
  }
  miner.received.length = 0;
  await turn();
  await turn();
  return handled - before;
}

/** A whole SubmitSharesStandard whose fields are right, or any, one by one. */
function nonsenseShare(): Uint8Array {
  const u32 = (usual: number) => (random() < 0.7 ? usual : Math.floor(random() * 2 ** 32));
  return encodeFrame(SubmitSharesStandard, {
    channelId: u32(channelId),
    sequenceNumber: u32(1),
    jobId: u32(16),
    nonce: u32(1),
    ntime: u32(gateway.nowSeconds),
    version: u32(0x2000_0000),
  });
}

/** In one of the states of a connection: behind the handshake, set up, with a channel of either kind. */
async function connectedMiner(): Promise<TestMiner> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const authorityKey = ec.xOnlyPublicKey(gateway.authoritySecret);
  const fresh = new TestMiner(socket, { ec, aead, random: randomBytes, now: gateway.nowSeconds, authorityKey });
  await fresh.handshake();
  const state = random();
  if (state < 0.1) return fresh;
  await fresh.setup(state < 0.5 ? miningClientFlags.REQUIRES_STANDARD_JOBS : 0);
  if (state < 0.2) return fresh;
  ({ channelId } = await (state < 0.5 ? fresh.openStandard() : fresh.openExtended()));
  return fresh;
}

/** A header that announces what does not come, or more than any message may have. */
function lieAboutLength(frame: Uint8Array): void {
  for (let at = FRAME_HEADER_SIZE - 3; at < FRAME_HEADER_SIZE; at++) frame[at] = Math.floor(random() * 256);
}
