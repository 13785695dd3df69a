import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import t from 'tap';
import { attach } from './terminal.js';

/** The line's other end is `far`. */
function lineTo(far: { readonly said: PassThrough; readonly heard: Buffer[] }): Duplex {
  return Duplex.from({
    readable: far.said,
    writable: async (source: AsyncIterable<Uint8Array>) => {
      for await (const chunk of source) far.heard.push(Buffer.from(chunk));
    },
  });
}

function setUp({ isTTY = true } = {}) {
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY,
    setRawMode(raw: boolean) {
      modes.push(raw);
    },
  });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const far = { said: new PassThrough(), heard: [] as Buffer[] };
  const signal = new AbortController();
  const ended = attach({ stdin: stdin as never, stdout, stderr }, lineTo(far), signal.signal);
  return { modes, stdin, stdout, far, ended, signal };
}

t.test('Ctrl-] leaves, and what was typed before it arrives; the terminal is what it was', async (t) => {
  const { modes, stdin, far, ended } = setUp();
  stdin.write('ls\x03');
  stdin.write(Buffer.from('q\x1dnot this', 'latin1'));
  await ended;
  t.same(modes, [true, false]);
  t.equal(Buffer.concat(far.heard).toString(), 'ls\x03q', 'Ctrl-C is for the guest');
});

t.test('it ends with the line, with what it said last shown', async (t) => {
  const { modes, stdout, far, ended } = setUp();
  far.said.end('bye');
  await ended;
  t.equal(`${stdout.read()}`, 'bye');
  t.same(modes, [true, false]);
});

t.test('it ends with the signal, and with a line that breaks', async (t) => {
  const told = setUp();
  told.signal.abort();
  await told.ended;
  t.same(told.modes, [true, false]);
  const broken = setUp();
  broken.far.said.destroy(new Error('cut'));
  await broken.ended;
  t.same(broken.modes, [true, false]);
});

t.test('what is no terminal is not made one, and Ctrl-] in it is a byte as others', async (t) => {
  const { modes, stdin, far, ended } = setUp({ isTTY: false });
  stdin.end(Buffer.from('a\x1db', 'latin1'));
  await ended;
  t.same(modes, []);
  t.equal(Buffer.concat(far.heard).toString('latin1'), 'a\x1db');
});

t.test('a terminal that takes nothing is waited for', async (t) => {
  const { stdout, far, ended } = setUp();
  for (let i = 0; i < 64; i++) far.said.write(Buffer.alloc(16_384));
  far.said.end();
  let got = 0;
  stdout.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  await ended;
  if (got < 64 * 16_384) await once(stdout, 'data').catch(() => {});
  t.equal(got, 64 * 16_384);
});
