import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import t, { type Test } from 'tap';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { WsmanClient } from './client.js';
import type { Endpoint } from './http.js';
import { Lanes } from './lanes.js';

const identity =
  '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>' +
  '<i:IdentifyResponse xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">' +
  '<i:ProductVendor>Microsoft Corporation ü</i:ProductVendor><i:ProductVersion>OS: 10.0</i:ProductVersion></i:IdentifyResponse>' +
  '</s:Body></s:Envelope>';
const soon = () => AbortSignal.timeout(20_000);
const asked = (client: WsmanClient) => client.identify(soon());
const expected = { vendor: 'Microsoft Corporation ü', version: 'OS: 10.0' };
const login = { kind: 'basic', username: 'a', password: 'b' } as const;

type Answer = (socket: Socket, request: string) => void;

/** A host of bytes: each request that came whole is answered by the next of the answers. */
function answering(answers: readonly Answer[]) {
  let [count, text] = [0, ''];
  return (socket: Socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const [, length] = /^content-length: (\d+)\r$/im.exec(text) ?? [];
      const body = text.indexOf('\r\n\r\n') + 4;
      if (body < 4 || text.length - body < Number(length)) return;
      const request = text;
      text = '';
      answers[Math.min(count++, answers.length - 1)]?.(socket, request);
    });
  };
}

async function host(t: Test, ...answers: readonly Answer[]): Promise<WsmanClient> {
  const server = createServer(answering(answers));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return connected(t, server, {});
}

function connected(t: Test, server: ReturnType<typeof createServer>, more: Pick<Endpoint, 'trust'>): WsmanClient {
  const { port } = server.address() as AddressInfo;
  const client = new WsmanClient(new Lanes({ host: '127.0.0.1', port, ...more }, login));
  t.teardown(async () => {
    await client[Symbol.asyncDispose]();
    server.close();
  });
  return client;
}

const reply = (body: string | Buffer, ...head: readonly string[]): Buffer => {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(['HTTP/1.1 200 OK', `Content-Length: ${bytes.length}`, ...head, '', ''].join('\r\n')), bytes]);
};
const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
const wide = Buffer.from(`<?xml version="1.0" encoding="UTF-16"?>${identity}`, 'utf16le');
const chunked = [...Buffer.from(identity)].map((byte) => `1;a="b"\r\n${String.fromCharCode(byte)}\r\n`).join('');

const answers: readonly (readonly [what: string, answer: Answer])[] = [
  ['as one piece', (socket) => socket.write(reply(identity))],
  [
    'in chunks of a byte each, with extensions and a trailer',
    (socket) =>
      socket.write(Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}0\r\nX-End: yes\r\n\r\n`, 'latin1')),
  ],
  [
    'in HTTP/1.0, and ends with its connection',
    (socket) => socket.end(`HTTP/1.0 200 OK\r\nContent-Type: application/soap+xml\r\n\r\n${identity}`),
  ],
  [
    'after word to go on that nobody asked for',
    (socket) => socket.write(Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'), reply(identity)])),
  ],
  [
    'with headers in whatever case',
    (socket) =>
      socket.write(
        `HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh: ${Buffer.byteLength(identity)}\r\nCONTENT-TYPE: application/soap+xml\r\n\r\n${identity}`,
      ),
  ],
  ['with a mark before its text', (socket) => socket.write(reply(`\uFEFF${identity}`))],
  ['in UTF-16 with a mark', (socket) => socket.write(reply(Buffer.concat([Buffer.from([0xff, 0xfe]), wide])))],
  [
    'in UTF-16 with a mark, the other way round',
    (socket) => socket.write(reply(swapped(Buffer.concat([Buffer.from([0xff, 0xfe]), wide])))),
  ],
  ['in UTF-16 without a mark', (socket) => socket.write(reply(wide, 'Content-Type: application/soap+xml;charset=UTF-16'))],
];

for (const [what, answer] of answers)
  t.test(`an answer that comes ${what} is read`, async (t) => t.same(await asked(await host(t, answer)), expected));

t.test('a host that closes after each answer, said or unsaid, is asked again by another connection', async (t) => {
  const said: Answer = (socket) => socket.end(reply(identity, 'Connection: close'));
  const unsaid: Answer = (socket) => void socket.write(reply(identity), () => socket.destroySoon());
  const client = await host(t, said, said, unsaid, unsaid, said);
  for (let turn = 0; turn < 5; turn++) {
    t.same(await asked(client), expected);
    await new Promise(setImmediate);
  }
});

t.test('what is no text, and what is of another SOAP, is told', async (t) => {
  const latin: Answer = (socket) => socket.write(reply(Buffer.from(identity, 'latin1')));
  await t.rejects(asked(await host(t, latin)), { code: 'Internal', message: /no text in UTF-8/ });
  const old =
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>e:Server</faultcode></e:Fault></e:Body></e:Envelope>';
  await t.rejects(asked(await host(t, (socket) => socket.write(reply(old)))), {
    code: 'Internal',
    message: /<e:Envelope> is no SOAP envelope/,
  });
  const cut: Answer = (socket) => void socket.end(reply(identity).subarray(0, 300));
  await t.rejects(asked(await host(t, cut)), { code: 'Unavailable' });
});

t.test('an answer in records of TLS of a byte each is read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-wire-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const authority = await createAuthority(folder);
  const { cert, key } = await issue(folder, 'server', '/CN=hyperv', 'serverAuth');
  const [ca, certText, keyText] = await Promise.all([authority.cert, cert, key].map((path) => readFile(path, 'utf8')));
  const byByte: Answer = async (socket) => {
    for (const byte of reply(identity)) await new Promise<void>((resolve) => void socket.write(Buffer.from([byte]), () => resolve()));
  };
  const server = createTlsServer({ cert: certText ?? '', key: keyText ?? '' }, answering([byByte]));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.same(await asked(connected(t, server, { trust: { ca: ca ?? '' } })), expected);
});
