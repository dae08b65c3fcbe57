// The table that `--help` prints and docs/reference/config.md holds.
import { type NamedSetting, namedSettings, type Settings } from '../config.ts';

/** How a default reads: the value, `required` or `none`. */
export function defaultText({ setting }: NamedSetting): string {
  if (setting.default !== undefined) {
    const shown = setting.type.format(setting.default);
    return shown === '' ? '(empty)' : shown;
  }
  return setting.optional === true ? 'none' : 'required';
}

function defaultSentence(named: NamedSetting): string {
  const text = defaultText(named);
  return text === 'required' ? 'Required.' : `Default: ${text}.`;
}

/** Help of one command, at most `width` columns. */
export function helpText(usage: string, doc: string, settings: Settings, width = 100): string {
  const rows = namedSettings(settings).map((named) => ({
    left: `--${named.flag} ${named.setting.type.placeholder}`.trimEnd(),
    text: `${named.setting.doc} Allowed: ${named.setting.type.allowed}. ${defaultSentence(named)} [${[named.env, ...named.otherEnv].join(', ')}]`,
  }));
  rows.push(
    { left: '--config FILE', text: 'YAML file with these settings by name, in camelCase. [SLUICE_CONFIG]' },
    { left: '--help', text: 'Prints this.' },
  );
  const column = Math.min(34, Math.max(...rows.map(({ left }) => left.length)) + 4);
  const lines = rows.flatMap(({ left, text }) => {
    const [first = '', ...more] = wrap(text, width - column);
    const head =
      left.length + 3 > column ? [`  ${left}`, ' '.repeat(column) + first] : [`  ${left}`.padEnd(column) + first];
    return [...head, ...more.map((line) => ' '.repeat(column) + line)];
  });
  const order = 'A flag wins over its environment variable [in brackets], that over the file, that over the default.';
  return [`Usage: ${usage}`, '', ...wrap(doc, width), '', ...lines, '', ...wrap(order, width), ''].join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
