// `node test/load/compare/floor-server.ts PORT`: what Node's sockets cost a proxy of Stratum V1 whatever it does. It reads lines, finds their ids, and answers
// each with the bytes that a proxy would; no share is looked at, and the one job never changes.
import { createServer } from 'node:net';
import { LineParser } from '@sluice/sv1/line-parser';
import { NotifyTemplate } from '@sluice/sv1/notify-template';
import { acceptedLine, setDifficultyLine, subscribeResultLine } from '@sluice/sv1/server-lines';

const LEVELS = 12;
const job = new NotifyTemplate({
  prevHash: new Uint8Array(32).fill(7),
  coinbasePrefix: new Uint8Array(70).fill(1),
  coinbaseSuffix: new Uint8Array(150).fill(2),
  merklePath: Array.from({ length: LEVELS }, (_, level) => new Uint8Array(32).fill(level)),
  ...{ version: 0x2000_0000, nbits: 0x1d00_ffff },
}).line('1a2b3c', Math.floor(Date.now() / 1_000), true);

const server = createServer({ noDelay: true }, (socket) => {
  const parser = new LineParser();
  let answers = '';
  const onLine = (line: Uint8Array) => {
    const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
    const id = String(Number.parseInt(text.slice(text.indexOf('"id":') + '"id":'.length), 10));
    if (text.includes('"mining.submit"')) answers += acceptedLine(id);
    else if (text.includes('"mining.subscribe"')) answers += subscribeResultLine(id, '1', Uint8Array.of(0, 1), 4);
    else if (text.includes('"mining.authorize"'))
      answers += acceptedLine(id) + setDifficultyLine(2 ** -30) + Buffer.from(job).toString('latin1');
    else answers += `{"id":${id},"result":{},"error":null}\n`;
  };
  socket.on('data', (chunk) => {
    parser.push(chunk, onLine);
    if (answers !== '') socket.write(answers, 'latin1');
    answers = '';
  });
  socket.on('error', () => undefined);
});
server.listen(Number(process.argv[2]), '127.0.0.1');
