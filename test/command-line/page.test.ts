import { readFile } from 'node:fs/promises';
import t from 'tap';
import { flagsOf } from '#cli/command.js';
import { parseFlags } from '#cli/flags.js';
import { commands, page, pageFile } from './page.js';

t.test('the page of commands is current', async (t) => {
  t.equal(await readFile(pageFile, 'utf8'), page(), 'if not: node dist/test/command-line/generate.js');
});

t.test('every command has an example, and its flags are those it accepts', async (t) => {
  for (const command of commands) {
    t.ok(command.examples.length > 0, command.name);
    const flags = flagsOf(command);
    const shorts = Object.values(flags).flatMap(({ short }) => (short === undefined ? [] : [short]));
    t.equal(new Set(shorts).size, shorts.length, `${command.name}: no letter stands for two flags`);
    for (const { line } of command.examples) {
      const [name, ...words] = line
        .replace(/ [<>].*$/, '')
        .replaceAll("'", '')
        .split(' ');
      t.equal(name, command.name);
      t.doesNotThrow(() => parseFlags(words, flags), line);
    }
  }
});
