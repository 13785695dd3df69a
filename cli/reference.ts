import { type Command, commonFlags, groups } from './command.js';
import type { FlagTable } from './flags.js';
import { flagForm, flagHelp } from './help.js';

/** All commands on one page of Markdown. Pure. */
export function reference(commands: readonly Command[]): string {
  const shown = commands.filter(({ hidden }) => hidden !== true);
  const parts = Object.entries(groups).map(([group, title]) => {
    const members = shown.filter((one) => one.group === group);
    return members.length === 0 ? '' : `## ${title}\n\n${members.map(section).join('\n')}`;
  });
  return [
    '# The command line\n',
    'Made from the table of commands by `node dist/test/command-line/generate.js`; `virtwright COMMAND --help` says the same.\n',
    'Whoever has kubectl can go on using it: `kubectl virtwright` is the same program, and nothing here needs more than the API server.',
    'What was asked for goes to standard output, all else to standard error. Nothing asks back.\n',
    '| exit code | what it means |\n|---|---|',
    '| 0 | Done. |\n| 1 | It failed, or did not come to pass in time. |\n| 2 | It was asked for wrongly; nothing was done. |\n| 130, 143 | Interrupted, terminated. What the operator was asked for goes on. |\n',
    `## Flags of every command\n\n${flagTable(commonFlags)}`,
    parts
      .filter((part) => part !== '')
      .join('\n')
      .trimEnd(),
    '',
  ].join('\n');
}

function section({ name, summary, usage, description = [], flags, examples }: Command): string {
  const forms = (usage.length === 0 ? [''] : usage).map((form) => `virtwright ${name} ${form}`.trimEnd());
  const lines = examples.flatMap(({ line, what }) => [`# ${what}`, `virtwright ${line}`]);
  return [
    `### ${name}\n\n${summary.charAt(0).toUpperCase()}${summary.slice(1)}.\n`,
    `\`\`\`\n${forms.join('\n')}\n\`\`\`\n`,
    ...description.map((paragraph) => `${paragraph}\n`),
    ...(Object.keys(flags).length === 0 ? [] : [flagTable(flags)]),
    ...(lines.length === 0 ? [] : [`\`\`\`sh\n${lines.join('\n')}\n\`\`\`\n`]),
  ].join('\n');
}

const flagTable = (flags: FlagTable): string =>
  `| flag | |\n|---|---|\n${Object.entries(flags)
    .map(([name, flag]) => `| \`${cell(flagForm(name, flag).trim())}\` | ${cell(flagHelp(flag))} |\n`)
    .join('')}`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
