// What real clients send, line by line, and what a server that serves them all answers: data alone, so that every server of ours can be held
// to it. Sources are in vectors/README.md.
import type { MinerRequest } from '../src/miner-requests.ts';

/** What differs from server to server and from run to run; `$name` stands for it in a line. All of it is text. */
export interface ServerFacts {
  /** Hexadecimal. */
  readonly extranonce1: string;
  /** Bytes, in digits. */
  readonly extranonce2Size: string;
  /** Bits that the server lets a device roll that can roll all, eight digits: those of BIP 320 are among them. */
  readonly versionMask: string;
  readonly sessionId: string;
  readonly jobId: string;
  /** What a client chose for a share of that job, in hexadecimal: of the size above, and eight digits each. */
  readonly extranonce2: string;
  readonly ntime: string;
  readonly nonce: string;
  /** The lines that a miner gets when it is subscribed and authorized, without line feeds. */
  readonly setDifficulty: string;
  readonly notify: string;
}

/** One line of a client. */
interface Exchange {
  readonly sends: string;
  /** Some fields of what the line is read as; absent for answers. */
  readonly reads?: Partial<MinerRequest>;
  /** A share that is good if its nonce is: with these bits of the version, as many as its line has. */
  readonly share?: { readonly versionBits: number | undefined };
  /** Every line that must come back, in order. The server grants mining.set_extranonce, and no minimum difficulty. */
  readonly gets: readonly string[];
}

export interface Dialect {
  readonly name: string;
  readonly exchanges: readonly Exchange[];
  /** Bytes that the client has room for, where that is known. A line has 8,192 where nothing else is said. */
  readonly takes?: {
    readonly extranonce1?: number;
    readonly extranonce2?: readonly [least: number, most: number];
    readonly coinbase?: number;
    readonly line?: number;
  };
}

/** The line of these facts; `$shortNonce` is the nonce without leading zeros. */
export function fill(line: string, facts: ServerFacts): string {
  const shortNonce = facts.nonce.replace(/^0+(?=.)/, '');
  return line.replace(/\$(\w+)/g, (_, name: keyof ServerFacts) => ({ ...facts, shortNonce })[name]);
}

const WORK = ['$setDifficulty', '$notify'];
const subscribed = (id: string) =>
  `{"id":${id},"result":[[["mining.notify","$sessionId"]],"$extranonce1",$extranonce2Size],"error":null}`;
const yes = (id: string) => `{"id":${id},"result":true,"error":null}`;
const notSupported = (id: string) => `{"id":${id},"result":null,"error":[20,"Not supported.",null]}`;
const rolling = (id: string, mask: string) =>
  `{"id":${id},"result":{"version-rolling":true,"version-rolling.mask":"${mask}"},"error":null}`;

export const dialects: readonly Dialect[] = [
  {
    name: 'ESP-Miner (bitaxe), which does not wait for answers',
    takes: { extranonce2: [1, 32] },
    exchanges: [
      {
        sends:
          '{"id": 1, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}',
        reads: { kind: 'configure', versionRolling: { mask: 0xffff_ffff, minBitCount: 0 } },
        gets: [rolling('1', '$versionMask')],
      },
      {
        sends: '{"id": 2, "method": "mining.subscribe", "params": ["bitaxe/BM1370/v2.9.0"]}',
        reads: { kind: 'subscribe', agent: 'bitaxe/BM1370/v2.9.0', sessionId: undefined },
        gets: [subscribed('2')],
      },
      {
        sends:
          '{"id": 3, "method": "mining.authorize", "params": ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.bitaxe", "x"]}',
        reads: { kind: 'authorize', user: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.bitaxe', password: 'x' },
        gets: [yes('3'), ...WORK],
      },
      {
        sends: '{"id": 4, "method": "mining.suggest_difficulty", "params": [1000]}',
        reads: { kind: 'suggest-difficulty', difficulty: 1000 },
        gets: [yes('4')],
      },
      {
        sends: '{"id": 5, "method": "mining.extranonce.subscribe", "params": []}',
        reads: { kind: 'extranonce-subscribe' },
        gets: [yes('5')],
      },
      {
        sends:
          '{"id": 6, "method": "mining.submit", "params": ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.bitaxe", "$jobId", "$extranonce2", "$ntime", "$nonce", "00ac4000"]}',
        reads: { kind: 'submit', versionBits: 0x00ac_4000 },
        share: { versionBits: 0x00ac_4000 },
        gets: [yes('6')],
      },
      { sends: '{"id":9,"method":"pong"}', reads: { kind: 'pong', id: '9' }, gets: [] },
    ],
  },
  {
    name: 'ESP-Miner before it dropped "jsonrpc", never configured, always six parameters',
    exchanges: [
      {
        sends: '{"jsonrpc": "2.0", "id": 1, "method": "mining.subscribe", "params": ["bitaxe/BM1366/v2.0.2"]}',
        gets: [subscribed('1')],
      },
      {
        sends: '{"jsonrpc": "2.0", "id": 2, "method": "mining.authorize", "params": ["farm.bitaxe", "x"]}',
        gets: [yes('2'), ...WORK],
      },
      {
        sends:
          '{"jsonrpc": "2.0", "id": 3, "method": "mining.submit", "params": ["farm.bitaxe", "$jobId", "$extranonce2", "$ntime", "$nonce", "00000000"]}',
        reads: { kind: 'submit', versionBits: 0 },
        share: { versionBits: 0 },
        gets: [yes('3')],
      },
      {
        sends:
          '{"jsonrpc": "2.0", "id": 4, "method": "mining.submit", "params": ["farm.bitaxe", "$jobId", "$extranonce2", "$ntime", "$nonce", "00002000"]}',
        gets: ['{"id":4,"result":null,"error":[20,"Version rolling not allowed",null]}'],
      },
    ],
  },
  {
    name: 'NerdQAxe',
    exchanges: [
      {
        sends:
          '{"id": 1, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "1fffe000"}]}',
        gets: [rolling('1', '1fffe000')],
      },
      {
        sends: '{"id": 2, "method": "mining.subscribe", "params": ["NerdQAxe++/BM1370/v1.0.30"]}',
        gets: [subscribed('2')],
      },
      { sends: '{"id": 3, "method": "mining.authorize", "params": ["farm.qaxe", "x"]}', gets: [yes('3'), ...WORK] },
    ],
  },
  {
    name: 'cgminer, whose mask has no leading zeros, and which reads one line as the answer to its configure',
    takes: { extranonce2: [2, 8] },
    exchanges: [
      {
        sends:
          '{"id": 0, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "c00000", "version-rolling.min-bit-count": 2}]}',
        reads: { kind: 'configure', versionRolling: { mask: 0x00c0_0000, minBitCount: 2 } },
        gets: [rolling('0', '00c00000')],
      },
      {
        sends: '{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.11.1", "0400cafe"]}',
        reads: { kind: 'subscribe', agent: 'cgminer/4.11.1', sessionId: '0400cafe' },
        gets: [subscribed('1')],
      },
      { sends: '{"id": 2, "method": "mining.authorize", "params": ["farm.s9", "x"]}', gets: [yes('2'), ...WORK] },
      { sends: '{"id": 3, "method": "mining.suggest_difficulty", "params": [512]}', gets: [yes('3')] },
      {
        sends:
          '{"params": ["farm.s9", "$jobId", "$extranonce2", "$ntime", "$nonce", "00400000"], "id": 4, "method": "mining.submit"}',
        reads: { kind: 'submit', user: 'farm.s9', versionBits: 0x0040_0000 },
        share: { versionBits: 0x0040_0000 },
        gets: [yes('4')],
      },
      {
        sends:
          '{"params": ["farm.s9", "$jobId", "$extranonce2", "$ntime", "$nonce", "00002000"], "id": 5, "method": "mining.submit"}',
        gets: ['{"id":5,"result":null,"error":[20,"Invalid version bits",null]}'],
      },
      { sends: '{"id": 6, "method": "mining.ping", "params": []}', gets: ['{"id":6,"result":"pong","error":null}'] },
      { sends: '{"id": 7, "result": "cgminer/4.11.1", "error": null}', gets: [] },
      { sends: '{"id": 8, "result": "pong", "error": null}', gets: [] },
    ],
  },
  {
    name: 'bfgminer, with ids of text and notifications',
    exchanges: [
      {
        sends:
          '{"id": null, "method": "mining.suggest_target", "params": ["00000000ffff0000000000000000000000000000000000000000000000000000"]}',
        reads: { kind: 'suggest-target', id: 'null', target: 0xffffn << 208n },
        gets: [],
      },
      {
        sends:
          '{"id":null,"method":"mining.capabilities","params":[{"notify":[],"set_difficulty":{},"set_goal":[],"malgo":{"SHA256d":{}}}]}',
        reads: { kind: 'unknown', id: 'null', method: 'mining.capabilities' },
        gets: [],
      },
      { sends: '{"id": 0, "method": "mining.subscribe", "params": ["bfgminer/5.5.0"]}', gets: [subscribed('0')] },
      {
        sends: '{"id": "xnsub", "method": "mining.extranonce.subscribe", "params": []}',
        reads: { kind: 'extranonce-subscribe', id: '"xnsub"' },
        gets: [yes('"xnsub"')],
      },
      {
        sends: '{"id": "auth", "method": "mining.authorize", "params": ["farm.gpu", "x"]}',
        gets: [yes('"auth"'), ...WORK],
      },
      {
        sends:
          '{"params": ["farm.gpu", "$jobId", "$extranonce2", "$ntime", "$nonce"], "id": 1, "method": "mining.submit"}',
        reads: { kind: 'submit', versionBits: undefined },
        share: { versionBits: undefined },
        gets: [yes('1')],
      },
    ],
  },
  {
    name: 'Antminer stock (bmminer)',
    takes: { extranonce2: [1, 8], coinbase: 755 },
    exchanges: [
      {
        sends:
          '{"id":1, "method":"mining.configure", "params":[["version-rolling"],{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":16}]}',
        reads: { kind: 'configure', versionRolling: { mask: 0x1fff_e000, minBitCount: 16 } },
        gets: [rolling('1', '1fffe000')],
      },
      {
        sends: '{"id": 2, "method": "mining.subscribe", "params": ["Antminer S19k Pro/Tue Dec  5 11:24:42 CST 2023"]}',
        gets: [subscribed('2')],
      },
      { sends: '{"id": 3, "method": "mining.authorize", "params": ["farm.17x2", ""]}', gets: [yes('3'), ...WORK] },
      {
        sends:
          '{"params": ["farm.17x2", "$jobId", "$extranonce2", "$ntime", "$nonce", "1fffe000"], "id": 4, "method": "mining.submit"}',
        share: { versionBits: 0x1fff_e000 },
        gets: [yes('4')],
      },
    ],
  },
  {
    name: 'Antminer S9 of old, with a mask of two bits',
    exchanges: [
      {
        sends:
          '{"id":1, "method":"mining.configure", "params":[["version-rolling"],{"version-rolling.mask":"00c00000","version-rolling.min-bit-count":2}]}',
        gets: [rolling('1', '00c00000')],
      },
      {
        sends:
          '{"id": 3642, "method": "mining.subscribe", "params": ["bmminer/2.0.0", "ae6812eb4cd7735a302a8a9dd95cf71f"]}',
        reads: { kind: 'subscribe', agent: 'bmminer/2.0.0', sessionId: 'ae6812eb4cd7735a302a8a9dd95cf71f' },
        gets: [subscribed('3642')],
      },
    ],
  },
  {
    name: 'Whatsminer, with a user of 127 characters',
    takes: { extranonce2: [1, 8], coinbase: 6_500 },
    exchanges: [
      { sends: '{"id": 1, "method": "mining.subscribe", "params": ["whatsminer/v1.1"]}', gets: [subscribed('1')] },
      {
        sends: `{"id": 2, "method": "mining.authorize", "params": ["${'w'.repeat(127)}", "123"]}`,
        reads: { kind: 'authorize', user: 'w'.repeat(127), password: '123' },
        gets: [yes('2'), ...WORK],
      },
    ],
  },
  {
    name: 'Avalon, which cuts its user at 63 characters',
    exchanges: [
      { sends: '{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.11.1"]}', gets: [subscribed('1')] },
      {
        sends:
          '{"id": 2, "method": "mining.authorize", "params": ["bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3.", "1234"]}',
        reads: { kind: 'authorize', user: 'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3.' },
        gets: [yes('2'), ...WORK],
      },
    ],
  },
  {
    name: 'Braiins OS, which will not mine without version rolling, and tells about itself',
    exchanges: [
      {
        sends:
          '{"id":0,"method":"mining.configure","params":[["version-rolling","info"],{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":16,"info.hw-version":"Antminer S19","info.sw-version":"bosminer"}]}',
        reads: {
          kind: 'configure',
          info: { connectionUrl: undefined, hwVersion: 'Antminer S19', swVersion: 'bosminer', hwId: undefined },
        },
        gets: ['{"id":0,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000","info":true},"error":null}'],
      },
      {
        sends:
          '{"id":1,"method":"mining.subscribe","params":["bosminer-plus-tuner/0.9.0",null,"pool.example.com","3333"]}',
        reads: { kind: 'subscribe', sessionId: undefined, host: 'pool.example.com', port: 3333 },
        gets: [subscribed('1')],
      },
    ],
  },
  {
    name: 'the example of BIP 310, and an extension of the future',
    exchanges: [
      {
        sends:
          '{"method": "mining.configure", "id": 1, "params": [["minimum-difficulty", "version-rolling", "subscribe-extranonce", "x-later"], {"minimum-difficulty.value": 2048, "version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": 2}]}',
        reads: { kind: 'configure', minimumDifficulty: 2048, subscribeExtranonce: true },
        gets: [
          '{"id":1,"result":{"minimum-difficulty":false,"version-rolling":true,"version-rolling.mask":"1fffe000","subscribe-extranonce":true,"x-later":false},"error":null}',
        ],
      },
    ],
  },
  {
    name: 'a mask without a bit in common, and none at all',
    exchanges: [
      {
        sends:
          '{"id": 1, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "e0000000"}]}',
        gets: ['{"id":1,"result":{"version-rolling":false},"error":null}'],
      },
      {
        sends: '{"id": 2, "method": "mining.configure", "params": [["version-rolling"]]}',
        gets: [rolling('2', '$versionMask')],
      },
    ],
  },
  {
    name: 'ePIC',
    takes: { coinbase: 16_384 },
    exchanges: [
      { sends: '{"id":1,"method":"mining.subscribe","params":["PowerPlay-BM/0.1.0"]}', gets: [subscribed('1')] },
      { sends: '{"id":2,"method":"mining.authorize","params":["farm.epic","x"]}', gets: [yes('2'), ...WORK] },
    ],
  },
  {
    name: 'FutureBit Apollo',
    takes: { extranonce1: 16 },
    exchanges: [
      {
        sends: '{"id": 0, "method": "mining.subscribe", "params": ["futurebit-miner/2.0.5"]}',
        gets: [subscribed('0')],
      },
      {
        sends: '{"id": "auth", "method": "mining.authorize", "params": ["farm.apollo", "x"]}',
        gets: [yes('"auth"'), ...WORK],
      },
    ],
  },
  {
    name: 'NiceHash, with a difficulty in the password',
    takes: { extranonce2: [4, 16] },
    exchanges: [
      { sends: '{"id":1,"method":"mining.subscribe","params":["NiceHash/1.0.0"]}', gets: [subscribed('1')] },
      {
        sends: '{"id":2,"method":"mining.authorize","params":["farm.nhdev","d=1048576"]}',
        reads: { kind: 'authorize', password: 'd=1048576' },
        gets: [yes('2'), ...WORK],
      },
      { sends: '{"id":3,"method":"mining.extranonce.subscribe","params":[]}', gets: [yes('3')] },
    ],
  },
  {
    name: 'NiceHash, which proves that it is',
    exchanges: [
      {
        sends:
          '{"id":1,"method":"mining.subscribe","params":["NiceHash/1.0.0","1662637786319","3e747837e632920e8cd11453c2558233e3822489a20d828fdf205a149b064afc"]}',
        reads: { kind: 'subscribe', agent: 'NiceHash/1.0.0', sessionId: '1662637786319' },
        gets: [subscribed('1')],
      },
    ],
  },
  {
    name: 'NerdMiner, with nonces as short as they are, and a wish that it repeats to stay alive',
    takes: { coinbase: 512, line: 4_096 },
    exchanges: [
      {
        sends: '{"id": 1, "method": "mining.subscribe", "params": ["NerdMinerV2"]}',
        reads: { kind: 'subscribe', agent: 'NerdMinerV2' },
        gets: [subscribed('1')],
      },
      { sends: '{"params": ["farm.nerd", "x"], "id": 2, "method": "mining.authorize"}', gets: [yes('2'), ...WORK] },
      {
        sends: '{"id": 3, "method": "mining.suggest_difficulty", "params": [0.00015]}',
        reads: { kind: 'suggest-difficulty', difficulty: 0.000_15 },
        gets: [yes('3')],
      },
      {
        sends:
          '{"id": 4, "method": "mining.submit", "params": ["farm.nerd","$jobId","$extranonce2","$ntime","$shortNonce"]}',
        reads: { kind: 'submit', versionBits: undefined },
        share: { versionBits: undefined },
        gets: [yes('4')],
      },
      { sends: '{"id": 5, "method": "mining.suggest_difficulty", "params": [0.00015]}', gets: [yes('5')] },
    ],
  },
  {
    name: 'cpuminer, whose shares all have the same id',
    exchanges: [
      { sends: '{"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]}', gets: [subscribed('1')] },
      { sends: '{"id": 2, "method": "mining.authorize", "params": ["farm.cpu", "x"]}', gets: [yes('2'), ...WORK] },
      {
        sends:
          '{"method": "mining.submit", "params": ["farm.cpu", "$jobId", "$extranonce2", "$ntime", "$nonce"], "id":4}',
        share: { versionBits: undefined },
        gets: [yes('4')],
      },
      {
        sends: '{"method": "mining.submit", "params": ["farm.cpu", "$jobId", "00", "$ntime", "$nonce"], "id":4}',
        gets: ['{"id":4,"result":null,"error":[20,"Invalid extranonce2 size",null]}'],
      },
    ],
  },
  {
    name: 'a client that authorizes first, percent-encoded, and asks what nobody answers',
    exchanges: [
      {
        sends: '{"id":1,"method":"mining.authorize","params":["farm%2Erig%201"]}',
        reads: { kind: 'authorize', user: 'farm.rig 1', password: '' },
        gets: [yes('1')],
      },
      { sends: '{"id":2,"method":"mining.subscribe","params":[]}', gets: [subscribed('2'), ...WORK] },
      {
        sends: '{"id":3,"method":"mining.get_transactions","params":["$jobId"]}',
        reads: { kind: 'get-transactions' },
        gets: ['{"id":3,"result":[],"error":null}'],
      },
      {
        sends: '{"id":4,"method":"mining.set_goal","params":["goal"]}',
        reads: { kind: 'unknown', method: 'mining.set_goal' },
        gets: [notSupported('4')],
      },
      {
        sends: '{"id":5,"method":"mining.submit","params":["farm.rig 1","$jobId"]}',
        reads: { kind: 'malformed', method: 'mining.submit' },
        gets: ['{"id":5,"result":null,"error":[20,"Invalid parameters",null]}'],
      },
    ],
  },
  {
    name: 'a device that wants more bits than there are in common, and then sends none',
    exchanges: [
      {
        sends:
          '{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"00c00000","version-rolling.min-bit-count":16}]}',
        reads: { kind: 'configure', versionRolling: { mask: 0x00c0_0000, minBitCount: 16 } },
        gets: [rolling('1', '00c00000')],
      },
      { sends: '{"id":2,"method":"mining.subscribe","params":["cgminer/4.9.2"]}', gets: [subscribed('2')] },
      { sends: '{"id":3,"method":"mining.authorize","params":["farm.old","x"]}', gets: [yes('3'), ...WORK] },
      {
        sends: '{"params":["farm.old","$jobId","$extranonce2","$ntime","$nonce"],"id":4,"method":"mining.submit"}',
        reads: { kind: 'submit', versionBits: undefined },
        share: { versionBits: undefined },
        gets: [yes('4')],
      },
    ],
  },
  {
    name: 'a client that configures last',
    exchanges: [
      { sends: '{"id":1,"method":"mining.subscribe","params":["late/1.0"]}', gets: [subscribed('1')] },
      { sends: '{"id":2,"method":"mining.authorize","params":["farm.late","x"]}', gets: [yes('2'), ...WORK] },
      {
        sends:
          '{"id":3,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":2}]}',
        gets: [rolling('3', '1fffe000')],
      },
      {
        sends:
          '{"id":4,"method":"mining.submit","params":["farm.late","$jobId","$extranonce2","$ntime","$nonce","00ac4000"]}',
        share: { versionBits: 0x00ac_4000 },
        gets: [yes('4')],
      },
    ],
  },
  {
    name: 'several workers on one connection, with difficulties in their passwords',
    exchanges: [
      { sends: '{"id":1,"method":"mining.subscribe","params":["stratum-proxy/1.0"]}', gets: [subscribed('1')] },
      {
        sends: '{"id":2,"method":"mining.authorize","params":["farm.a","x,diff=512"]}',
        reads: { kind: 'authorize', user: 'farm.a', password: 'x,diff=512' },
        gets: [yes('2'), ...WORK],
      },
      {
        sends: '{"id":3,"method":"mining.authorize","params":["farm.b","fd=2048"]}',
        reads: { kind: 'authorize', user: 'farm.b', password: 'fd=2048' },
        gets: [yes('3')],
      },
      {
        sends: '{"id":4,"method":"mining.submit","params":["farm.b","$jobId","$extranonce2","$ntime","$nonce"]}',
        reads: { kind: 'submit', user: 'farm.b' },
        share: { versionBits: undefined },
        gets: [yes('4')],
      },
    ],
  },
  {
    name: 'a client that goes on after a reconnect as if nothing had been',
    exchanges: [
      {
        sends: '{"id":7,"method":"mining.submit","params":["farm.s9","ffffffff","$extranonce2","$ntime","$nonce"]}',
        gets: ['{"id":7,"result":null,"error":[25,"Not subscribed",null]}'],
      },
      { sends: '{"id":8,"method":"mining.subscribe","params":["cgminer/4.11.1"]}', gets: [subscribed('8')] },
      {
        sends: '{"id":9,"method":"mining.submit","params":["farm.s9","ffffffff","$extranonce2","$ntime","$nonce"]}',
        gets: ['{"id":9,"result":null,"error":[24,"Unauthorized worker",null]}'],
      },
      { sends: '{"id":10,"method":"mining.authorize","params":["farm.s9","x"]}', gets: [yes('10'), ...WORK] },
      {
        sends: '{"id":11,"method":"mining.submit","params":["farm.s9","ffffffff","$extranonce2","$ntime","$nonce"]}',
        gets: ['{"id":11,"result":null,"error":[21,"Job not found",null]}'],
      },
    ],
  },
  {
    name: 'ids of every kind, which come back to the byte',
    exchanges: [
      '18446744073709551616',
      '123456789012345678901234567890',
      '1.0',
      '1e3',
      '-0',
      '"\\u0041\\/"',
      '"é"',
      'true',
      '[1, {"id": "]}"}]',
      '{"a": [1]}',
    ].map((id) => ({
      sends: `{"id": ${id} , "method": "mining.ping", "params": []}`,
      reads: { kind: 'ping', id } as const,
      gets: [`{"id":${id},"result":"pong","error":null}`],
    })),
  },
];
