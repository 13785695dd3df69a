import { once } from 'node:events';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { Simulator } from './simulator.js';

const login = `Authorization: Basic ${btoa('Administrator:secret')}`;
const identify = (soap = 'http://www.w3.org/2003/05/soap-envelope', head = '') =>
  `<s:Envelope xmlns:s="${soap}"><s:Header>${head}</s:Header><s:Body>` +
  '<i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/></s:Body></s:Envelope>';

/** What the simulator answers to these bytes, all of it, until it closes or `enough` came. */
async function said(t: Test, enough: RegExp, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const users = [{ name: 'Administrator', password: 'secret' }];
  const simulator = await Simulator.start({ mode: 'v2', folder: t.testdir(), users, ways: { basic: true, unencrypted: true } });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const socket = connect(simulator.port, '127.0.0.1');
  await once(socket, 'connect');
  for (const part of parts) await new Promise<void>((resolve) => void socket.write(part, () => resolve()));
  const heard: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    heard.push(chunk);
    if (enough.test(Buffer.concat(heard).toString('latin1').replaceAll('\0', ''))) break;
  }
  return Buffer.concat(heard).toString('latin1');
}

const request = (body: string | Buffer, ...head: readonly string[]): Buffer => {
  const bytes = Buffer.from(body);
  const lines = ['POST /wsman HTTP/1.1', 'Host: h', login, `Content-Length: ${bytes.length}`, ...head, '', ''];
  return Buffer.concat([Buffer.from(lines.join('\r\n')), bytes]);
};
const end = /<\/s:Envelope>/;
const known = /^HTTP\/1\.1 200 .*<wsmid:ProductVendor>Microsoft Corporation</s;

t.test('a request in chunks is read', async (t) => {
  const chunks = [...identify()].map((char) => `1\r\n${char}\r\n`).join('');
  t.match(
    await said(t, end, `POST /wsman HTTP/1.1\r\nHost: h\r\n${login}\r\nTransfer-Encoding: chunked\r\n\r\n`, `${chunks}0\r\n\r\n`),
    known,
  );
});

t.test('a request in HTTP/1.0, with headers in whatever case, is answered, and the connection closed', async (t) => {
  const head = `POST /wsman HTTP/1.0\r\n${login.toUpperCase().slice(0, 13)}${login.slice(13)}\r\ncontent-LENGTH: ${identify().length}\r\n\r\n`;
  t.match(await said(t, /never/, `${head}${identify()}`), /<wsmid:ProductVendor>/);
});

t.test('who waits for word to go on is given it', async (t) => {
  const answer = await said(t, end, request(identify(), 'Expect: 100-continue'));
  t.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

t.test('a mark before the text, and UTF-16 either way round, are read, and answered alike', async (t) => {
  const wide = Buffer.from(`\uFEFF${identify()}`, 'utf16le');
  t.match(await said(t, end, request(`\uFEFF${identify()}`)), known);
  for (const body of [wide, Buffer.from(wide).swap16()]) {
    const answer = await said(t, end, request(body, 'Content-Type: application/soap+xml;charset=UTF-16'));
    t.match(answer.replaceAll('\0', ''), /charset=UTF-16\r\n.*ÿþ<s:Envelope.*Microsoft Corporation/s);
  }
});

for (const [what, bytes, why] of [
  [
    'another charset',
    request(identify(), 'Content-Type: application/soap+xml;charset=EBCDIC'),
    /w:UnsupportedEncoding.*Code="2150858796"/s,
  ],
  [
    'SOAP 1.1',
    request(identify('http://schemas.xmlsoap.org/soap/envelope/')),
    /<s:Value>s:VersionMismatch<\/s:Value><\/s:Code>.*Code="2150858765"/s,
  ],
  [
    'an envelope that holds no answer',
    request(identify(undefined, '<w:MaxEnvelopeSize xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">8191</w:MaxEnvelopeSize>')),
    /w:EncodingLimit.*Code="2150858878"/s,
  ],
  ['XML that is none', request('<s:Envelope'), /Code="2150858819"/],
] as const)
  t.test(`${what} is refused with its own code`, async (t) => t.match(await said(t, end, bytes), why));

t.test('a message above 500 KiB is answered with 413, in chunks too', async (t) => {
  const long = `${identify()}${' '.repeat(500 * 1024)}`;
  t.match(await said(t, /\r\n\r\n/, request(long)), /^HTTP\/1\.1 413 /);
  const chunk = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;
  t.match(
    await said(t, /\r\n\r\n/, `POST /wsman HTTP/1.1\r\nHost: h\r\n${login}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`),
    /^HTTP\/1\.1 413 /,
  );
});
