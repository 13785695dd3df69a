import { type Command, commonFlags, groups } from './command.js';
import { type Flag, type FlagTable, placeholder } from './flags.js';

const columns = 100;

/** All commands, by group. */
export function programHelp(program: string, commands: readonly Command[]): string {
  const shown = commands.filter(({ hidden }) => hidden !== true);
  const width = Math.max(...shown.map(({ name }) => name.length)) + 2;
  const parts = Object.entries(groups).map(([group, title]) => {
    const lines = shown.filter((one) => one.group === group).map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`);
    return lines.length === 0 ? '' : `${title}:\n${lines.join('')}\n`;
  });
  return [
    `${program}: machines on any hypervisor, as Kubernetes objects\n\n`,
    `Usage: ${program} COMMAND [flags]\n\n`,
    ...parts,
    `${program} COMMAND --help shows flags and examples.\n`,
    'Exit codes: 0 done; 1 it failed, or did not come to pass in time; 2 it was asked for wrongly; 130 interrupted.\n',
  ].join('');
}

/** One command, with its flags and examples. */
export function commandHelp(program: string, command: Command): string {
  const { name, summary, usage, description = [], flags, examples } = command;
  const called = `${program} ${name}`;
  const forms = (usage.length === 0 ? [''] : usage).map((form) => [called, form, '[flags]'].filter((part) => part !== '').join(' '));
  const common = Object.fromEntries(Object.entries(commonFlags).filter(([flag]) => !Object.hasOwn(flags, flag)));
  return [
    `${called}: ${summary}\n\n`,
    `Usage: ${forms.join('\n       ')}\n`,
    ...description.map((paragraph) => `\n${wrap(paragraph, columns)}\n`),
    flagList('Flags', flags),
    flagList('Flags of every command', common),
    ...(examples.length === 0 ? [] : [`\nExamples:\n${exampleList(program, examples)}`]),
  ].join('');
}

function flagList(title: string, flags: FlagTable): string {
  const rows = Object.entries(flags).map(([name, flag]) => ({ left: flagForm(name, flag), flag }));
  if (rows.length === 0) return '';
  const width = Math.min(Math.max(...rows.map(({ left }) => left.length)), 34) + 2;
  const lines = rows.map(({ left, flag }) => {
    const [first = '', ...more] = wrap(flagHelp(flag), columns - width - 2).split('\n');
    const head = left.length + 2 > width ? `  ${left}\n${' '.repeat(width + 2)}${first}` : `  ${left.padEnd(width)}${first}`;
    return [head, ...more.map((line) => ' '.repeat(width + 2) + line)].join('\n');
  });
  return `\n${title}:\n${lines.join('\n')}\n`;
}

/** `-o, --output FORMAT`. */
export function flagForm(name: string, flag: Flag): string {
  const value = placeholder(flag);
  return `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${name}${value === '' ? '' : ` ${value}`}`;
}

export function flagHelp(flag: Flag): string {
  const oftener = flag.kind === 'texts' ? '; may be given more than once' : '';
  const standard = flag.kind === 'texts' || flag.default === undefined || flag.default === false ? '' : ` (default ${flag.default})`;
  return `${flag.help}${oftener}${standard}`;
}

function exampleList(program: string, examples: Command['examples']): string {
  return examples.map(({ line, what }) => `  # ${what}\n  ${program} ${line}\n`).join('');
}

export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
