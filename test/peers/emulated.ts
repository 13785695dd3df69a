import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

/** Reads what a machine prints until these words came; rejects with all that it said when it took longer than `ms`. */
export async function heard({ stdout, stderr }: ChildProcess, words: string, ms: number): Promise<void> {
  let said = '';
  const late = setTimeout(() => stdout?.destroy(new Error('it took too long')), ms);
  stderr?.on('data', (bytes) => {
    said += bytes;
  });
  try {
    for await (const bytes of stdout ?? []) {
      said += bytes;
      if (said.includes(words)) return void stdout?.resume();
    }
  } finally {
    clearTimeout(late);
  }
  throw new Error(`the machine did not come up; it said: ${said}`);
}

/** Has the shell that listens on this port run it. A script's end is told by the last line, as a connection that ends may just have broken. */
export async function runScript(port: number, script: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(120_000, () => socket.destroy(new Error(`no end of: ${script}`)));
  socket.write(`(set -e\n${script}\n) 2>&1 </dev/null\necho "ended: $?"\nexit\n`);
  const said = await text(socket);
  const end = /ended: (\d+)\n$/.exec(said);
  if (end?.[1] !== '0') throw new Error(`${script}\nfailed: ${said}`);
  return said.slice(0, end.index);
}

/** Brings whoever connects to `listening`, a socket or a port of this machine, to the port that a machine's own is reached at. */
export interface Relay {
  /** Breaks what goes through it; it can be gone through again. */
  cut(): void;
  close(): void;
}

export async function startRelay(listening: string | number, port: number): Promise<Relay> {
  const open = new Set<{ destroy(): void }>();
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1');
    for (const each of [client, target]) {
      open.add(each);
      each.setNoDelay(true);
      each.on('error', () => {});
      each.once('close', () => {
        open.delete(each);
        client.destroy();
        target.destroy();
      });
    }
    client.pipe(target).pipe(client);
  });
  if (typeof listening === 'string') server.listen(listening);
  else server.listen(listening, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const each of open) each.destroy();
  };
  return {
    cut,
    close: () => {
      cut();
      server.close();
    },
  };
}
