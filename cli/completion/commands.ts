import { type Command, command } from '../command.js';
import { Complaint } from '../complaint.js';
import { suggestion } from '../nearest.js';
import { candidatesFor } from './candidates.js';
import { scripts } from './scripts.js';

const shells = Object.keys(scripts);

export const completionCommand = command({
  name: 'completion',
  group: 'program',
  summary: 'what a shell needs to complete commands, flags, kinds and names',
  usage: ['bash', 'zsh', 'fish'],
  description: ['As a plugin, kubectl completes it by itself where kubectl_complete-virtwright is on the PATH, as npm puts it there.'],
  flags: {},
  examples: [
    { line: 'completion bash >/etc/bash_completion.d/virtwright', what: 'for everybody, with bash' },
    { line: 'completion fish >~/.config/fish/completions/virtwright.fish', what: 'with fish' },
  ],
  async run({ args, io }) {
    const [shell = '', ...others] = args;
    if (!Object.hasOwn(scripts, shell) || others.length > 0)
      throw new Complaint(`"${args.join(' ')}" given, accepted: ${shells.join(', ')}${suggestion(shell, shells)}`);
    io.stdout.write(scripts[shell as keyof typeof scripts]);
    return 0;
  },
});

/** Says what the shells ask for, in the form that kubectl takes from plugins: a word a line, with its help, and at last whether files fit. */
export const completeCommand = (commands: readonly Command[]): Command =>
  command({
    name: '__complete',
    group: 'program',
    summary: 'what may stand where the cursor is',
    usage: ['WORD...'],
    flags: {},
    examples: [],
    hidden: true,
    literal: true,
    async run({ args, io }, signal) {
      const found = await candidatesFor(commands, args, signal).catch(() => []);
      const lines = found === 'files' ? [] : found.map(({ word, help }) => (help === undefined ? word : `${word}\t${help}`));
      io.stdout.write([...lines, found === 'files' ? ':0' : ':4'].map((line) => `${line}\n`).join(''));
      return 0;
    },
  });
