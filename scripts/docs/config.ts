// docs/reference/config.md from the settings tables of the services.
import { namedSettings, type Settings } from '@sluice/runtime/config';
import { defaultText } from '@sluice/runtime/config/help';
import { processSettings } from '@sluice/runtime/process-settings';
import { cell, declaredTables } from './declared-tables.ts';

function settingsTable(settings: Settings): string {
  const rows = namedSettings(settings).map((named) => {
    const { type, doc, secret } = named.setting;
    const flag = `\`--${named.flag}${type.toggle === true ? '' : ` ${type.placeholder}`}\``;
    const notes = [doc, secret === true ? 'Never shown.' : '', type.list === true ? 'May be repeated.' : ''];
    const text = notes.filter((note) => note !== '').join(' ');
    return `| \`${named.name}\` | ${flag} | ${[named.env, ...named.otherEnv].map((name) => `\`${name}\``).join(', ')} | ${cell(type.allowed)} | ${cell(defaultText(named))} | ${cell(text)} |`;
  });
  return `| key in the file | flag | environment | allowed | default | |\n|---|---|---|---|---|---|\n${rows.join('\n')}`;
}

/** The whole document. */
export async function renderConfig(): Promise<string> {
  const pattern = '{services/*/src,operator/src,cli/src/*}/config.ts';
  const tables = await declaredTables(pattern, /Settings$/);
  const sections = tables.map(({ owner, table }) => `## sluice ${owner}\n\n${settingsTable(table as Settings)}`);
  const intro = [
    '# Configuration',
    '',
    'A flag wins over its environment variable, that over the key in the YAML file named by `--config` or `SLUICE_CONFIG`, that over',
    'the default. Every mistake is told on a line of its own, which names the flag, the variable or the line of the file and what is allowed there,',
    'and ends the process with exit code 2 before anything is started. Unknown flags, keys and `SLUICE_` variables are mistakes; in the',
    'environment and the file, names that another command has are not, so that one of either may serve all of them.',
    '',
    '`~/` at the beginning of a path is the home folder. A file with a secret is refused when it is ours and others may use it (`chmod 600`).',
    'Generated from the settings tables.',
    '',
    '## Every service',
    '',
    settingsTable(processSettings),
  ];
  return `${intro.join('\n')}\n\n${sections.join('\n\n')}\n`;
}
