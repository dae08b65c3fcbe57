// docs/reference/subjects.md from the declarations of packages/bus.
import { buckets, type StreamDeclaration, streams } from '@sluice/bus/streams';
import { type SubjectDeclaration, subjects } from '@sluice/bus/subjects';

const deliveries = { core: 'core', request: 'request and reply' } as const;

function deliveryOf(declared: SubjectDeclaration): string {
  return declared.delivery === 'stream' ? `stream ${declared.stream}` : deliveries[declared.delivery];
}

function payloadOf(declared: SubjectDeclaration): string {
  if (declared.payload === 'ShareBatch') return 'ShareBatch';
  return [declared.payload, declared.reply]
    .flatMap((payload) => (payload === undefined ? [] : [payload.name]))
    .join(' → ');
}

function subjectRow(declared: SubjectDeclaration): string {
  const { name, publishers, consumers, doc } = declared;
  const cells = [
    `\`${name}\``,
    payloadOf(declared),
    deliveryOf(declared),
    publishers.join(', '),
    consumers.join(', '),
    doc,
  ];
  return `| ${cells.join(' | ')} |`;
}

function streamRow([name, declared]: [string, StreamDeclaration]): string {
  const kept = declared.maxPerSubject === undefined ? 'all' : `${declared.maxPerSubject} of each subject`;
  const bound = `${(declared.maxBytes / 1_048_576).toLocaleString('en-US')} MiB, then ${
    declared.discard === 'new' ? 'new records are refused' : 'the oldest go'
  }`;
  const filters = declared.subjects.map((subject) => `\`${subject}\``).join(', ');
  return `| ${name} | ${filters} | ${declared.storage} | ${kept} | ${bound} | ${declared.duplicateWindowMs / 1000} s | ${declared.creator} | ${declared.doc} |`;
}

/** One field a line, nested ones indented. */
function layoutLines(layout: string): string {
  let out = '';
  let depth = 0;
  for (let at = 0; at < layout.length; at++) {
    const next = layout.slice(at, at + 2);
    if (next === '{ ') {
      depth++;
      out += `{\n${'  '.repeat(depth)}`;
      at++;
    } else if (next === ' }') {
      depth--;
      out += `\n${'  '.repeat(depth)}}`;
      at++;
    } else if (next === ', ') {
      out += `\n${'  '.repeat(depth)}`;
      at++;
    } else if (layout.slice(at, at + 3) === ' | ') {
      out += `\n${'  '.repeat(depth)}| `;
      at += 2;
    } else out += layout[at];
  }
  return out.replace(/\{\s+\}/g, '{ }');
}

function payloadSections(declared: readonly SubjectDeclaration[]): string[] {
  const sections = new Map<string, string>();
  for (const { payload, reply } of declared) {
    for (const known of [payload, reply]) {
      if (known === undefined || known === 'ShareBatch') continue;
      sections.set(
        known.name,
        [`### ${known.name}, version ${known.version}`, '', '```', layoutLines(known.layout), '```'].join('\n'),
      );
    }
  }
  return [...sections.entries()].sort(([a], [b]) => a.localeCompare(b)).map(([, section]) => section);
}

/** The whole document. */
export function renderSubjects(): string {
  const declared: readonly SubjectDeclaration[] = Object.values(subjects);
  return `${[
    '# Subjects',
    'Everything that services say to each other, generated from `packages/bus/src/subjects.ts` and `packages/bus/src/streams.ts`. Both\ntransports, NATS and the one of a single process, keep to it. Angle brackets stand for one token of letters, digits, `-` and `_`.',
    ['| subject | payload | delivery | from | to | |', '|---|---|---|---|---|---|', ...declared.map(subjectRow)].join(
      '\n',
    ),
    '`core` is delivered at most once, to whoever listens. A record of a stream reaches live core subscribers of its subject as well, possibly\nbefore it is stored and more than once.',
    '## Streams',
    [
      '| stream | subjects | storage | keeps | bound | ids remembered | made by | |',
      '|---|---|---|---|---|---|---|---|',
      ...Object.entries(streams).map(streamRow),
    ].join('\n'),
    'Where each service has a user of its own at the servers (`packages/bus/src/user-permissions.ts`), the others wait until that one has made the stream.\nWithout users the first that needs it makes it.',
    'What it means that a record of a `file` stream is acknowledged: [durability](../durability.md).',
    '## Buckets',
    [
      '| bucket | users | |',
      '|---|---|---|',
      ...Object.entries(buckets).map(([name, { users, doc }]) => `| ${name} | ${users.join(', ')} | ${doc} |`),
    ].join('\n'),
    '## Payloads',
    'A version byte, then the fields in this order, integers little-endian. `text` is UTF-8 behind a u16 length, `bytes` stand behind a u32 length,\na `list` behind a u32 count, `bool` is one byte, a choice (`|`) one byte that counts from 1 in the order given. The doc comments in\n`packages/bus/src/payloads` say what the fields mean. A ShareBatch has a layout of its own, written in\n`packages/bus/src/payloads/share-batch.ts`.',
    ...payloadSections(declared),
  ].join('\n\n')}\n`;
}
