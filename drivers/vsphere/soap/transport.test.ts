import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Trust } from '#drivers/https/trusting-agent.js';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { type Message, Transport } from './transport.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-transport-'));
t.teardown(() => rm(folder, { recursive: true }));
const authority = await createAuthority(folder);
const files = await issue(folder, 'server', '/CN=esx', 'serverAuth');
const [ca, cert, key] = await Promise.all([authority.cert, files.cert, files.key].map((path) => readFile(path, 'utf8')));
if (ca === undefined || cert === undefined || key === undefined) throw new Error('no certificates');
const sha256 = new X509Certificate(cert).fingerprint256;
const otherSha256 = sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));

const soon = () => AbortSignal.timeout(30_000);
const message: Message = {
  what: 'CurrentTime',
  body: '<password>hunter2</password>',
  lane: 'control',
  timeoutMs: 20_000,
  repeatable: true,
};

/** A server, what it was asked, and a transport towards it. All gone with the test. */
async function served(t: Test, answer: RequestListener, trust: Trust = { ca: ca as string }, host = '127.0.0.1') {
  const heard: { body: string; cookie: string | undefined }[] = [];
  const server = createServer({ cert: cert as string, key: key as string }, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    heard.push({ body, cookie: request.headers.cookie });
    answer(request, response);
  });
  const port = await listening(t, server, host);
  const transport = new Transport({ host, port, trust });
  t.teardown(() => transport[Symbol.asyncDispose]());
  return { transport, heard };
}

async function listening(t: Test, server: Server | ReturnType<typeof createTcpServer>, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const yes: RequestListener = (_, response) => response.end('<yes/>');

t.test('a host is known by its authority, by its pin, or by both', async (t) => {
  for (const trust of [{ ca }, { sha256 }, { ca, sha256 }]) {
    const { transport, heard } = await served(t, yes, trust as Trust);
    t.same(await transport.send(message, soon()), { status: 200, body: '<yes/>' });
    t.match(heard, [{ body: message.body }]);
  }
});

for (const [what, trust, words] of [
  ['an unknown authority', {}, /certificate is not trusted: .*"ca.crt".*"sha256"/],
  ['another pin', { sha256: otherSha256 }, new RegExp(`shows a certificate with the SHA-256 ${sha256}, not the pinned ${otherSha256}`)],
  ['another pin, with the right authority', { ca, sha256: otherSha256 }, /not the pinned/],
  ['the right pin, with another authority', { ca: cert, sha256 }, /certificate is not trusted/],
] as const)
  t.test(`${what} is refused, and not a byte of the message is sent`, async (t) => {
    const { transport, heard } = await served(t, yes, trust as Trust);
    await t.rejects(transport.send(message, soon()), { name: 'DriverError', code: 'Denied', message: words });
    t.same(heard, []);
  });

t.test('a certificate for another name is refused', async (t) => {
  const { transport, heard } = await served(t, yes, { ca: ca as string }, '127.0.0.2');
  await t.rejects(transport.send(message, soon()), { code: 'Denied', message: /127.0.0.2:.* certificate is for another name/ });
  t.same(heard, []);
});

t.test('a fault is an answer, and any other status is told in words', async (t) => {
  let status = 500;
  const { transport } = await served(t, (_, response) => response.writeHead(status).end('<fault/>'));
  t.same(await transport.send(message, soon()), { status: 500, body: '<fault/>' });
  for (const [code, words] of Object.entries({
    503: /503: the management service is starting/,
    404: /404: this is no vSphere API/,
    302: /302/,
  })) {
    status = Number(code);
    await t.rejects(transport.send(message, soon()), { code: 'Unavailable', message: words });
  }
});

t.test('cookies are sent back to the letter, until they are forgotten', async (t) => {
  const { transport, heard } = await served(t, (_, response) =>
    response.setHeader('Set-Cookie', ['vmware_soap_session="52 ab/c="; Path=/; HttpOnly; Secure', 'other=1']).end(),
  );
  for (let post = 0; post < 2; post++) await transport.send(message, soon());
  transport.forgetCookies();
  await transport.send(message, soon());
  t.same(
    heard.map(({ cookie }) => cookie),
    [undefined, 'vmware_soap_session="52 ab/c="; other=1', undefined],
  );
});

t.test('a reply that is too long is refused, and is not read to its end', async (t) => {
  const block = Buffer.alloc(2 ** 20, 'x');
  let sent = 0;
  const { transport } = await served(t, (_, response) => {
    const more = () => {
      for (; sent < 200 && !response.destroyed; ) {
        sent += 1;
        if (!response.write(block)) return void response.once('drain', more);
      }
      response.end();
    };
    response.on('error', () => {});
    more();
  });
  await t.rejects(transport.send(message, soon()), {
    code: 'Internal',
    message: /the reply to CurrentTime is longer than the 64 MiB accepted/,
  });
  t.ok(sent < 200, `${sent} MiB were sent`);
});

t.test('a reply that breaks off, or is no UTF-8, is an error', async (t) => {
  const replies: RequestListener[] = [
    (_, response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('<half');
      setImmediate(() => response.destroy());
    },
    (_, response) => response.end(Buffer.from([0x3c, 0xff, 0xfe])),
  ];
  const { transport } = await served(t, (request, response) => replies.shift()?.(request, response));
  await t.rejects(transport.send(message, soon()), { name: 'DriverError', code: 'Unavailable' });
  await t.rejects(transport.send(message, soon()), { name: 'DriverError' });
});

t.test('a message is given up with its signal, or when its time is over', async (t) => {
  const { transport, heard } = await served(t, () => {});
  const giveUp = new AbortController();
  const posting = transport.send(message, giveUp.signal);
  while (heard.length === 0) await new Promise(setImmediate);
  const reason = new Error('enough');
  giveUp.abort(reason);
  await t.rejects(posting, { code: 'TimedOut', cause: reason });
  await t.rejects(transport.send({ ...message, timeoutMs: 50 }, soon()), {
    code: 'TimedOut',
    message: /CurrentTime: no answer within 0.05 s/,
  });
  await t.rejects(transport.send(message, AbortSignal.abort()), { code: 'TimedOut' });
  t.equal(heard.length, 2, 'a signal that has ended means no message');
});

t.test('four messages are under way at a time, and the watch beside them', async (t) => {
  const waiting: (() => void)[] = [];
  const { transport } = await served(t, (_, response) => void waiting.push(() => response.end('x')));
  const posts = Array.from({ length: 6 }, () => transport.send(message, soon()));
  while (waiting.length < 4) await new Promise(setImmediate);
  const watch = transport.send({ ...message, lane: 'watch' }, soon());
  while (waiting.length < 5) await new Promise(setImmediate);
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  t.equal(waiting.length, 5);
  for (let answered = 0; answered < 7; answered++) {
    while (waiting.length === 0) await new Promise(setImmediate);
    waiting.shift()?.();
  }
  t.equal((await Promise.all([...posts, watch])).length, 7);
});

t.test('a socket that the host closed while it was idle costs a repeatable message nothing', async (t) => {
  let posts = 0;
  const { transport } = await served(t, (request, response) => {
    posts += 1;
    if (posts === 1 || posts === 3) response.end('x');
    else request.socket.destroy();
  });
  await transport.send(message, soon());
  t.match(await transport.send(message, soon()), { body: 'x' }, 'it is sent again');
  await t.rejects(transport.send({ ...message, repeatable: false }, soon()), {
    code: 'Unavailable',
    message: /may still be at what was asked/,
  });
  t.equal(posts, 4, 'and any other message is not');
});

t.test('who does not answer, does not speak TLS or is not there is told', async (t) => {
  const post = async (port: number, host = '127.0.0.1') => {
    await using transport = new Transport({ host, port, trust: { ca: ca as string } });
    return await transport.send(message, soon());
  };
  const plain = await listening(
    t,
    createTcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')),
  );
  await t.rejects(post(plain), { code: 'Unavailable', message: /127.0.0.1:\d+: .*does not speak TLS/ });
  await t.rejects(post(1), { code: 'Unavailable', message: /127.0.0.1:1: nothing listens there/ });
  await t.rejects(post(443, 'nowhere.invalid'), { code: 'Unavailable', message: /nowhere.invalid:443: its name/ });
});

t.test('an ended transport rejects what is pending and what comes', async (t) => {
  const { transport, heard } = await served(t, () => {});
  const posting = transport.send(message, soon());
  while (heard.length === 0) await new Promise(setImmediate);
  await transport[Symbol.asyncDispose]();
  await t.rejects(posting, { code: 'Unavailable', message: /closed by us/ });
  await t.rejects(transport.send(message, soon()), { code: 'Unavailable', message: /closed by us/ });
});
