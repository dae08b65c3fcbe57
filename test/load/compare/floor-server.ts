// `node test/load/compare/floor-server.ts PORT [POOL_PORT AUTHORITY_KEY]`: what Node's sockets cost a proxy of Stratum V1 whatever it does. It reads lines,
// finds their ids, and answers each with the bytes that a proxy would; no share is looked at. In front of a pool (Stratum V2, of this machine) it tells each new
// block: the same bytes to everybody, in one loop.
import { createServer, type Socket } from 'node:net';
import { LineParser } from '@sluice/sv1/line-parser';
import { NotifyTemplate } from '@sluice/sv1/notify-template';
import { acceptedLine, setDifficultyLine, subscribeResultLine } from '@sluice/sv1/server-lines';
import { Sv2Client } from '../../support/sv2-client.ts';

const LEVELS = 12;
let jobs = 0;
const jobOn = (prevHash: Uint8Array): Buffer => {
  const template = new NotifyTemplate({
    prevHash,
    coinbasePrefix: new Uint8Array(70).fill(1),
    coinbaseSuffix: new Uint8Array(150).fill(2),
    merklePath: Array.from({ length: LEVELS }, (_, level) => new Uint8Array(32).fill(level)),
    ...{ version: 0x2000_0000, nbits: 0x1d00_ffff },
  });
  jobs += 1;
  return Buffer.from(template.line(`1a2b${jobs.toString(16)}`, Math.floor(Date.now() / 1_000), true));
};
let job = jobOn(new Uint8Array(32));
const sockets = new Set<Socket>();
const [port, poolPort, authorityKey = ''] = process.argv.slice(2);
if (poolPort !== undefined) {
  const onTip = (prevHash: Uint8Array) => {
    job = jobOn(prevHash);
    for (const socket of sockets) socket.write(job);
  };
  const pool = await Sv2Client.connect({ port: Number(poolPort), authorityKey, onTip });
  await pool.openExtended({ identity: 'floor', hashRate: 1 });
}

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  const parser = new LineParser();
  let answers = '';
  const onLine = (line: Uint8Array) => {
    const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
    const id = String(Number.parseInt(text.slice(text.indexOf('"id":') + '"id":'.length), 10));
    if (text.includes('"mining.submit"')) answers += acceptedLine(id);
    else if (text.includes('"mining.subscribe"')) answers += subscribeResultLine(id, '1', Uint8Array.of(0, 1), 4);
    else if (text.includes('"mining.authorize"'))
      answers += acceptedLine(id) + setDifficultyLine(2 ** -30) + job.toString('latin1');
    else answers += `{"id":${id},"result":{},"error":null}\n`;
  };
  socket.on('data', (chunk) => {
    parser.push(chunk, onLine);
    if (answers !== '') socket.write(answers, 'latin1');
    answers = '';
  });
  socket.on('error', () => undefined);
});
server.listen(Number(port), '127.0.0.1');
