// docs/reference/messages.md from the declarations of packages/sv2.
import type { Message, Protocol } from '@sluice/sv2/message';
import { messages } from '@sluice/sv2/registry';

const titles: Record<Protocol, string> = {
  common: 'Common',
  mining: 'Mining',
  'job-declaration': 'Job Declaration',
  'template-distribution': 'Template Distribution',
  'extensions-negotiation': 'Extensions negotiation (extension 0x0001)',
};
const senders = { client: 'client to server', server: 'server to client', both: 'either way' } as const;

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** A field's name in the specification's manner, which the specification itself leaves in a few places (`nBits`). */
const wireName = (name: string): string => name.replace(/[A-Z]+/g, (letters) => `_${letters.toLowerCase()}`);

const bytes = (declared: Message): string =>
  declared.minPayload === declared.maxPayload
    ? `${declared.minPayload}`
    : `${declared.minPayload} to ${declared.maxPayload.toLocaleString('en-US')}`;

function page(declared: Message): string {
  const rows = Object.entries(declared.fields).map(
    ([name, { type, doc }]) => `| \`${name}\` | ${wireName(name)} | ${type.name} | ${doc} |`,
  );
  return [
    `### ${declared.name} (${hex(declared.type, 2)})`,
    '',
    declared.doc,
    '',
    `${senders[declared.from]}; extension type ${hex(declared.extensionType, 4)}, channel bit ${declared.channelMsg ? 'set' : 'unset'}; payload of ${bytes(declared)} bytes; specification ${declared.spec}.`,
    '',
    '| field | on the wire | type | |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** The whole document. */
export function renderMessages(): string {
  const parts = Object.entries(titles).map(([protocol, title]) => {
    const own = messages.filter((declared) => declared.protocol === protocol);
    return [`## ${title}`, ...own.sort((a, b) => a.type - b.type).map(page)].join('\n\n');
  });
  return `# Messages\n\nEvery Stratum V2 message that Sluice encodes and decodes, generated from \`packages/sv2/src/messages\`. Multi-byte\nintegers are little-endian; a U256 is 32 bytes in wire order. Lengths leave out the frame header and TLV fields.\n\n${parts.join('\n\n')}\n`;
}
