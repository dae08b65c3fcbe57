// docs/reference/errors.md from the error codes of the wire and from the code tables of packages and services.
import { sv1Errors } from '@sluice/sv1/error-codes';
import { codesNotSent, errorCodes } from '@sluice/sv2/error-codes';
import { cell, declaredTables } from './declared-tables.ts';

const codeRows = (codes: Readonly<Record<string, unknown>>): string =>
  Object.entries(codes)
    .map(([code, condition]) => `| \`${code}\` | ${cell(String(condition))} |`)
    .join('\n');

/** What a miner of Stratum V1 is told for each code. */
const sv1Rows = (): string =>
  Object.entries(sv1Errors)
    .flatMap(([message, errors]) =>
      Object.entries(errors).map(([code, error]) => `| ${message} | \`${code}\` | ${error.code} | ${error.message} |`),
    )
    .join('\n');

const head = '| code | condition |\n|---|---|';

/** The whole document. */
export async function renderErrors(): Promise<string> {
  const notSent: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = codesNotSent;
  const wire = Object.entries(errorCodes).map(([message, codes]) => {
    const rows = Object.entries(codes).map(([code, condition]) => {
      const reason = notSent[message]?.[code];
      return [code, reason === undefined ? condition : `${condition} ${reason}`];
    });
    return `### ${message}\n\n${head}\n${codeRows(Object.fromEntries(rows))}`;
  });
  const tables = await declaredTables('{packages,services,operator,cli}/{*/src,src}/**/*errors.ts', /Codes$/);
  const byOwner = Map.groupBy(tables, ({ owner }) => owner);
  const own = [...byOwner].map(([owner, declared]) => {
    const rows = declared.map(({ table }) => codeRows(table)).join('\n');
    return `### ${owner}\n\n${head}\n${rows}`;
  });
  const intro = [
    '# Error codes',
    '',
    '## On the wire',
    '',
    'The `error_code` of Stratum V2 error messages. The specification names none; these are the ones that deployed clients know.',
  ];
  const sv1 = `## To miners of Stratum V1\n\n| of SV2 | code | code of SV1 | message |\n|---|---|---|---|\n${sv1Rows()}`;
  const inside = 'Codes of errors in logs, exit messages and returned faults. They never reach a miner.';
  return `${intro.join('\n')}\n\n${wire.join('\n\n')}\n\n${sv1}\n\n## In logs\n\n${inside}\n\n${own.join('\n\n')}\n`;
}
