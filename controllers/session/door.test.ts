import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { Registry } from 'prom-client';
import t from 'tap';
import { Failure } from '#cli/complaint.js';
import { askQuestion, deliver, openLine, takePicture, type Way } from '#cli/session/client.js';
import { DriverError } from '#drivers/error.js';
import { type Identity, makeIdentity } from './certificate.js';
import { Door } from './door.js';
import { createSessionMetrics } from './metrics.js';
import type { Service } from './opening.js';
import type { Line } from './pipe.js';
import { mostQuestionBytes } from './wire.js';

const registry = new Registry();
const metrics = createSessionMetrics(registry);
const open = (host = '127.0.0.1') => Door.open({ host, port: 0, metrics });
const soon = () => AbortSignal.timeout(20_000);
const me = await makeIdentity('me');
const other = await makeIdentity('other');

/** Says again what it is told, until it is told `bye`. */
function echo(): Line & { readonly closed: () => boolean } {
  const said: Uint8Array[] = [];
  let wake = () => {};
  let over = false;
  let closed = false;
  const output = (async function* () {
    while (!over || said.length > 0) {
      yield* said.splice(0);
      if (over || said.length > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  })();
  return {
    output,
    closed: () => closed,
    async write(bytes) {
      said.push(bytes);
      over ||= Buffer.from(bytes).includes('bye');
      wake();
    },
    async [Symbol.asyncDispose]() {
      over = true;
      closed = true;
      wake();
    },
  };
}

const lineOf = (line: Line): Service => ({ kind: 'line', open: async () => line });

function admit(door: Door, service: Service, identity: Identity = me): Way & { readonly ended: Promise<void> } {
  const uid = randomUUID();
  let onEnd = () => {};
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve;
  });
  door.admit({ uid, fingerprint: identity.fingerprint, purpose: 'Console', service, onEnd });
  return { uid, address: door.address, fingerprint: door.fingerprint, identity, ended };
}

async function heardOn(socket: Duplex): Promise<string> {
  let heard = '';
  for await (const chunk of socket) heard += Buffer.from(chunk);
  return heard;
}

t.test('a question is answered, or refused in words; what is too large is not heard out', async (t) => {
  await using door = await open();
  const service: Service = {
    kind: 'question',
    async answer(question) {
      if (question === '"bad"') throw new DriverError('Invalid', 'no such question');
      return question.toUpperCase();
    },
  };
  t.equal(await askQuestion(admit(door, service), '"wie geht es"', soon()), '"WIE GEHT ES"');
  await t.rejects(askQuestion(admit(door, service), '"bad"', soon()), { message: 'no such question' });
  await t.rejects(askQuestion(admit(door, service), 'x'.repeat(mostQuestionBytes + 1), soon()), { message: /larger than/ });
  const endless = Readable.from(Array.from({ length: 9 }, () => Buffer.alloc(1 << 20, 'x')));
  await t.rejects(deliver(admit(door, service), endless, 9 << 20, soon()), { message: 'accepted is POST' });
});

t.test('bytes go both ways, to the last one; then the session is over', async (t) => {
  await using door = await open();
  const line = echo();
  const way = admit(door, lineOf(line));
  const socket = await openLine(way, new URLSearchParams(), soon());
  t.equal(door.stateOf(way.uid), 'used');
  socket.write('hello, ');
  socket.write('bye');
  t.equal(await heardOn(socket), 'hello, bye');
  await way.ended;
  t.ok(line.closed());
  t.equal(door.stateOf(way.uid), 'over');
  door.admit({ uid: way.uid, fingerprint: me.fingerprint, purpose: 'Console', service: lineOf(echo()) });
  await t.rejects(openLine(way, new URLSearchParams(), soon()), Failure, 'once, whoever says so again');
  door.dismiss(way.uid);
  t.equal(door.stateOf(way.uid), undefined);
});

t.test('of two that come in by one session, one does', async (t) => {
  await using door = await open();
  const way = admit(door, lineOf(echo()));
  const socket = await openLine(way, new URLSearchParams(), soon());
  await t.rejects(openLine(way, new URLSearchParams(), soon()), { message: /somebody came in by it already/ });
  socket.end('bye');
  await heardOn(socket);
});

t.test('who leaves without a word is noticed, and so is who is seen off', async (t) => {
  await using door = await open();
  const line = echo();
  const way = admit(door, lineOf(line));
  const socket = await openLine(way, new URLSearchParams(), soon());
  socket.destroy();
  await way.ended;
  t.ok(line.closed());
  const next = admit(door, lineOf(echo()));
  const seenOff = await openLine(next, new URLSearchParams(), soon());
  seenOff.on('error', () => {});
  door.dismiss(next.uid);
  await heardOn(seenOff).catch(() => {});
  await next.ended;
});

t.test("another's certificate opens nothing, nor does one's own open another's session", async (t) => {
  await using door = await open();
  const mine = admit(door, lineOf(echo()));
  await t.rejects(openLine({ ...mine, identity: other }, new URLSearchParams(), soon()), { message: /closed the connection/ });
  const theirs = admit(door, lineOf(echo()), other);
  await t.rejects(openLine({ ...theirs, identity: me }, new URLSearchParams(), soon()), { message: /no such session/ });
  t.equal(door.stateOf(theirs.uid), 'open');
  const socket = await openLine(mine, new URLSearchParams(), soon());
  socket.end('bye');
  t.equal(await heardOn(socket), 'bye', 'and who may come in, does');
});

t.test('a client sends nothing to another than the agent that its session names', async (t) => {
  await using door = await open();
  await using another = await open();
  const way = admit(door, lineOf(echo()));
  await t.rejects(openLine({ ...way, address: another.address }, new URLSearchParams(), soon()), { message: /another than the agent/ });
});

t.test('an agent that is not reached is told with its address, and what to do', async (t) => {
  const door = await open();
  const way = admit(door, lineOf(echo()));
  await door[Symbol.asyncDispose]();
  await t.rejects(openLine(way, new URLSearchParams(), soon()), {
    message: /not reached at 127\.0\.0\.1:\d+ \(ECONNREFUSED\).*--sessions-address/,
  });
});

t.test('what the machine says against it is told', async (t) => {
  await using door = await open();
  const refusing: Service = {
    kind: 'line',
    open: async () => {
      throw new DriverError('Conflict', 'machine "web" is Off');
    },
  };
  await t.rejects(openLine(admit(door, refusing), new URLSearchParams(), soon()), { message: 'machine "web" is Off' });
});

t.test('a picture is taken, and nothing else by its session', async (t) => {
  await using door = await open();
  const bytes = Buffer.alloc(300_000, 7);
  const picture: Service = { kind: 'picture', take: async () => ({ type: 'image/png', bytes }) };
  t.same(await takePicture(admit(door, picture), soon()), { type: 'image/png', bytes });
  await t.rejects(openLine(admit(door, picture), new URLSearchParams(), soon()), { message: /no bytes both ways/ });
  await t.rejects(deliver(admit(door, picture), Readable.from(['a']), 1, soon()), { message: 'accepted is GET' });
});

t.test('content is sent once it is wanted, and all of it', async (t) => {
  await using door = await open();
  let got = 0;
  const service: Service = {
    kind: 'delivery',
    async receive(request, wanted) {
      wanted();
      for await (const chunk of request) got += chunk.length;
    },
  };
  const content = Buffer.alloc(5_000_000, 1);
  await deliver(admit(door, service), Readable.from([content]), content.length, soon());
  t.equal(got, content.length);
  const refusing: Service = {
    kind: 'delivery',
    receive: async () => {
      throw new DriverError('Conflict', 'the volume is whole');
    },
  };
  let read = false;
  const untouched = new Readable({
    read() {
      read = true;
      this.push(null);
    },
  });
  await t.rejects(deliver(admit(door, refusing), untouched, 0, soon()), { message: 'the volume is whole' });
  t.notOk(read && untouched.readableDidRead);
});

t.test('who says no name, or nothing that makes sense, is let go; others come in meanwhile', async (t) => {
  await using door = await open();
  const port = Number(door.address.split(':')[1]);
  const ends = (socket: Duplex) => {
    socket.on('error', () => {});
    return new Promise<void>((resolve) => socket.resume().once('close', () => resolve()));
  };
  const garbage = createConnection(port, '127.0.0.1');
  garbage.write(Buffer.alloc(2_000, 'x'));
  await ends(garbage);
  const nameless = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  nameless.write('GET / HTTP/1.1\r\n\r\n');
  await ends(nameless);
  const old = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2', cert: me.certificate, key: me.key });
  await ends(old);
  const silent = Array.from({ length: 100 }, () => createConnection(port, '127.0.0.1'));
  const firstGone = Promise.race(silent.slice(0, 30).map(ends));
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  const way = admit(door, lineOf(echo()));
  const loud = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, cert: me.certificate, key: me.key });
  loud.write(`GET /${way.uid} HTTP/1.1\r\nX: ${'x'.repeat(10_000)}`);
  await ends(loud);
  const socket = await openLine(way, new URLSearchParams(), soon());
  socket.end('bye');
  t.equal(await heardOn(socket), 'bye');
  await firstGone;
  for (const one of silent) one.destroy();
  t.match(await registry.metrics(), /connections_refused_total\{reason="Certificate"\} [1-9]/);
});
