import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t, { type Test } from 'tap';
import { readBegun } from './begun.js';
import { type Checksum, parseChecksum, verified } from './checksum.js';
import { ImageError, type ImageErrorCode } from './error.js';
import { type FetchOptions, openImage } from './fetch.js';
import { type ImageSource, openSource, resumeSource } from './import.js';
import type { RemoteImage } from './remote.js';

const folder = mkdtempSync(join(tmpdir(), 'virtwright-fetch-'));
const image = randomBytes(300_000);
const never = new AbortController().signal;
const granted = ['127.0.0.0/8'];
const options: FetchOptions = { granted, maxBytes: 2 ** 20 };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const requests: IncomingMessage[] = [];
let openConnections = 0;

const handlers: Readonly<Record<string, Handler>> = {
  '/image': (_, response) => response.writeHead(200, { 'content-length': image.length }).end(image),
  '/chunked': (_, response) => response.writeHead(200).end(image),
  '/empty': (_, response) => response.writeHead(200, { 'content-length': 0 }).end(),
  '/gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  '/silent': () => {},
  '/truncated': (_, response) => breakOff(response, { 'content-length': image.length }),
  '/truncated-chunks': (_, response) => breakOff(response, {}),
  '/stalls': (_, response) => response.writeHead(200, { 'content-length': image.length }).write(image.subarray(0, 1000)),
  '/drips': (_, response) => drip(response),
  '/endless': (_, response) => flood(response),
  '/loop': (_, response) => redirect(response, 302, '/loop?again'),
  '/hop5': (_, response) => redirect(response, 301, '/hop4'),
  '/hop4': (_, response) => redirect(response, 302, 'hop3'),
  '/hop3': (_, response) => redirect(response, 303, '/hop2'),
  '/hop2': (_, response) => redirect(response, 307, '/hop1'),
  '/hop1': (_, response) => redirect(response, 308, '/image?signature=s3cret'),
  '/nowhere': (_, response) => response.writeHead(302).end(),
};

function redirect(response: ServerResponse, status: number, location: string): void {
  response.writeHead(status, { location }).end('moved');
}

function breakOff(response: ServerResponse, headers: http.OutgoingHttpHeaders): void {
  response.writeHead(200, headers).write(image.subarray(0, 100_000), () => response.socket?.destroy());
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': image.length });
  const timer = setInterval(() => response.write('x'), 10);
  response.on('close', () => clearInterval(timer));
}

function flood(response: ServerResponse): void {
  const more = (): void => {
    if (!response.destroyed) response.write(image, more);
  };
  more();
}

const handle: Handler = (request, response) => {
  requests.push(request);
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://any');
  const status = /^\/status\/(\d+)$/.exec(pathname)?.[1];
  if (status !== undefined) response.writeHead(Number(status)).end('no');
  else if (pathname === '/to') redirect(response, 302, searchParams.get('url') ?? '');
  else (handlers[pathname] ?? handlers['/nowhere'])?.(request, response);
};

async function listening<S extends net.Server>(server: S, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  server.on('connection', (socket) => {
    openConnections++;
    socket.once('close', () => openConnections--);
  });
  return (server.address() as AddressInfo).port;
}

function certificate(): { readonly key: Buffer; readonly cert: Buffer } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=DNS:images.test,IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

const tls = certificate();
const ca = tls.cert.toString();
const servers = [http.createServer(handle), http.createServer(handle), https.createServer(tls, handle)] as const;
const port = await listening(servers[0], '127.0.0.1');
const port6 = await listening(servers[1], '::1');
const portTls = await listening(servers[2], '127.0.0.1');
const at = (path: string): string => `http://127.0.0.1:${port}${path}`;
const atTls = (path: string): string => `https://127.0.0.1:${portTls}${path}`;

t.teardown(() => {
  for (const server of servers) server.close().closeAllConnections();
  rmSync(folder, { recursive: true });
});

async function* pieces(bytes: Uint8Array, size = 2 ** 16): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function fetched(url: string, more: Partial<FetchOptions> = {}, signal = never): Promise<Buffer> {
  return all((await openImage(url, { ...options, ...more }, signal)).content);
}

/** What the promise was rejected with, which must be an ImageError. */
async function failure(work: Promise<unknown>): Promise<ImageError> {
  const reason = await work.then(
    () => new Error('nothing failed'),
    (error: unknown) => error,
  );
  if (reason instanceof ImageError) return reason;
  throw reason;
}

async function fails(t: Pick<Test, 'match'>, work: Promise<unknown>, code: ImageErrorCode, says: RegExp): Promise<ImageError> {
  const error = await failure(work);
  t.match(error, { code, message: says });
  return error;
}

t.test('an image is fetched whole, its head looked at first or not', async (t) => {
  t.ok((await fetched(at('/image'))).equals(image));
  t.ok((await fetched(at('/chunked'))).equals(image));
  const opened = await openImage(at('/image?token=s3cret'), options, never);
  t.match(opened, { bytes: image.length, endKnown: true, name: at('/image') });
  t.ok(Buffer.from(await opened.head(10)).equals(image.subarray(0, 10)));
  t.ok(Buffer.from(await opened.head(70_000)).equals(image.subarray(0, 70_000)));
  t.ok((await all(opened.content)).equals(image));
  await t.rejects(all(opened.content), /only once/);
  t.ok(Buffer.from(await (await openImage(at('/image'), options, never)).head(2 ** 30)).equals(image), 'a head longer than the image');
});

t.test('requests say who asks and for plain bytes, and nothing else of us', async (t) => {
  requests.length = 0;
  await fetched(at('/image?a=b'));
  const { url, headers } = requests[0] ?? {};
  t.equal(url, '/image?a=b');
  t.strictSame(headers, {
    host: `127.0.0.1:${port}`,
    'user-agent': 'virtwright',
    accept: '*/*',
    'accept-encoding': 'identity',
    connection: 'close',
  });
});

t.test('an address that is not granted is refused in every spelling, before a connection', async (t) => {
  requests.length = 0;
  const hosts = [
    '127.0.0.1',
    '127.1',
    '0x7f000001',
    '0x7f.1',
    '2130706433',
    '0177.0.0.1',
    '127.0.0.1.',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '１２７.0.0.1',
  ];
  for (const host of [...hosts, '0.0.0.0', '[::]', '169.254.169.254', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '10.0.0.1', '[fe80::1]'])
    await fails(t, fetched(`http://${host}:${port}/image`, { granted: [] }), 'AddressRefused', /is at .*, which is not public/);
  await fails(
    t,
    fetched(`http://[::1]:${port6}/image`),
    'AddressRefused',
    /at ::1, which is not public \(Loopback\).*granted: 127.0.0.0\/8/,
  );
  await fails(t, fetched(at('/image'), { granted: ['0.0.0.0/33'] }), 'InvalidGrant', /33/);
  t.equal(requests.length, 0);
});

t.test('a granted address is reached in every spelling', async (t) => {
  for (const host of ['127.1', '0x7f000001', '0177.0.0.1']) t.ok((await fetched(`http://${host}:${port}/image`)).equals(image), host);
  t.ok((await fetched(`http://[::1]:${port6}/image`, { granted: ['::1/128'] })).equals(image));
});

t.test('a name is judged by where it is', async (t) => {
  const error = await fails(
    t,
    fetched(`http://localhost:${port}/image`, { granted: ['10.0.0.0/8'] }),
    'AddressRefused',
    /localhost:\d+\/image is at/,
  );
  t.equal(error.verdict, 'stall');
  t.ok((await fetched(`http://localhost:${port}/image`, { granted: [...granted, '::1/128'] })).equals(image));
  await fails(
    t,
    fetched(`http://images.test:${port}/image`, { resolve: async () => ['127.0.0.1', '10.0.0.1'] }),
    'AddressRefused',
    /at 10.0.0.1/,
  );
  await fails(t, fetched('http://images.test/', { resolve: async () => [] }), 'Unavailable', /no address/);
  await fails(t, fetched('http://images.test/', { resolve: async () => ['127.0.0.1.evil.test'] }), 'AddressRefused', /no address/);
});

t.test('the address that was checked is the one connected to, and no other look-up is made', async (t) => {
  let asked = 0;
  const resolve = async (): Promise<readonly string[]> => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1']);
  t.ok((await fetched(`http://rebinding.test:${port}/image`, { resolve })).equals(image));
  t.equal(asked, 1);
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
}

t.test('a name that is never resolved is given up, whatever is collected meanwhile', async (t) => {
  const resolve = (_: string, signal: AbortSignal): Promise<readonly string[]> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      setImmediate(collectGarbage);
    });
  await fails(t, fetched('http://slow.test/', { resolve, answerMs: 30 }), 'TimedOut', /slow.test/);
});

t.test('redirects are followed five times and checked each time', async (t) => {
  t.ok((await fetched(at('/hop5'))).equals(image));
  await fails(t, fetched(at('/to?url=/hop5')), 'RedirectRefused', /redirect 6; at most 5/);
  await fails(t, fetched(at('/loop')), 'RedirectRefused', /at most 5/);
  await fails(t, fetched(at('/nowhere')), 'BadResponse', /without saying where/);
  const to = (url: string): Promise<Buffer> => fetched(at(`/to?url=${encodeURIComponent(url)}`));
  await fails(t, to('http://169.254.169.254/latest/meta-data?s3cret'), 'AddressRefused', /169.254.169.254\/latest\/meta-data is at/);
  await fails(t, to(`http://[::1]:${port6}/image`), 'AddressRefused', /::1/);
  await fails(t, to('//0x0a000001/'), 'AddressRefused', /10.0.0.1/);
  await fails(t, to('file:///etc/passwd'), 'InvalidUrl', /scheme is "file:"/);
  await fails(t, to('http://user:s3cret@127.0.0.1/'), 'InvalidUrl', /user name or password/);
});

t.test('https is verified and never left', async (t) => {
  t.ok((await fetched(atTls('/image'), { ca })).equals(image));
  t.ok((await fetched(`https://images.test:${portTls}/image`, { ca, resolve: async () => ['127.0.0.1'] })).equals(image));
  await fails(t, fetched(atTls('/image')), 'Untrusted', /self.signed.*always verified/);
  await fails(t, fetched(`https://other.test:${portTls}/`, { ca, resolve: async () => ['127.0.0.1'] }), 'Untrusted', /other.test/);
  await fails(t, fetched(atTls(`/to?url=${at('/image')}`), { ca }), 'RedirectRefused', /from https to http/);
  await fails(t, fetched(`https://127.0.0.1:${port}/`), 'Untrusted', /127.0.0.1/);
  t.ok((await fetched(at(`/to?url=${atTls('/image')}`), { ca })).equals(image));
});

t.test('certificates are verified whatever the environment says', async (t) => {
  t.intercept(process, 'env', { value: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
  await fails(t, fetched(atTls('/image')), 'Untrusted', /self.signed/);
});

t.test('URLs that are not plain http are refused without being shown', async (t) => {
  for (const url of [
    '',
    'images/debian.qcow2',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'data:,x',
    'http://',
    'http://us:s3cret@127.0.0.1/',
    'http://s3cret@127.0.0.1/',
    's3cret',
  ]) {
    const error = await fails(t, fetched(url), 'InvalidUrl', /http:\/\/host\/path and https/);
    t.notMatch(error.message, /s3cret/);
  }
});

t.test('no message carries a query string', async (t) => {
  for (const path of ['/status/404', '/status/500', '/gzip', '/loop', '/nowhere', '/truncated', '/endless', '/silent', '/stalls']) {
    const error = await failure(fetched(at(`${path}?s3cret`), { answerMs: 50, idleMs: 50 }));
    t.match(error.message, at(path));
    t.notMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /s3cret/, path);
  }
});

t.test('each unhappy status has its verdict', async (t) => {
  const verdicts: Readonly<Record<number, string>> = {
    ...{ 404: 'retry NotFound', 403: 'stall Denied', 401: 'stall Denied', 410: 'stall Denied', 407: 'stall Denied' },
    ...{ 500: 'retry Unavailable', 503: 'retry Unavailable', 429: 'retry Unavailable', 408: 'retry Unavailable' },
    ...{ 204: 'stall BadResponse', 206: 'stall BadResponse', 304: 'stall BadResponse', 400: 'stall BadResponse', 300: 'stall BadResponse' },
  };
  for (const [status, expected] of Object.entries(verdicts)) {
    const error = await failure(fetched(at(`/status/${status}`)));
    t.equal(`${error.verdict} ${error.code}`, expected, status);
    t.match(error.message, `HTTP ${status}`);
  }
});

t.test('an encoded body is refused', async (t) => {
  await fails(t, fetched(at('/gzip')), 'BadResponse', /as "gzip"; only plain bytes/);
});

t.test('a body that breaks off is incomplete', async (t) => {
  await fails(t, fetched(at('/truncated')), 'Incomplete', /broke after/);
  await fails(t, fetched(at('/truncated-chunks')), 'Incomplete', /broke after/);
});

t.test('a server that does not answer, stalls or drips is given up', async (t) => {
  await fails(t, fetched(at('/silent'), { answerMs: 50 }), 'TimedOut', /no answer within 0.05 s/);
  await fails(t, fetched(at('/stalls'), { idleMs: 100 }), 'TimedOut', /less than 64 KiB \(65536 bytes\) came in 0.1 s/);
  await fails(t, fetched(at('/drips'), { idleMs: 200 }), 'TimedOut', /less than 64 KiB/);
});

t.test('a slow taker is not blamed on the server', async (t) => {
  const opened = await openImage(at('/image'), { ...options, idleMs: 1000 }, never);
  let size = 0;
  for await (const chunk of opened.content) {
    size += chunk.length;
    if (size === chunk.length) await new Promise((resolve) => setTimeout(resolve, 1200));
  }
  t.equal(size, image.length);
});

t.test('a body over the limit is refused as soon as that is known', async (t) => {
  await fails(t, openImage(at('/image'), { ...options, maxBytes: image.length - 1 }, never), 'TooLarge', /the file has 292.97 KiB/);
  t.ok((await fetched(at('/image'), { maxBytes: image.length })).equals(image));
  let received = 0;
  const taken = async (): Promise<void> => {
    for await (const chunk of (await openImage(at('/endless'), options, never)).content) received += chunk.length;
  };
  await fails(t, taken(), 'TooLarge', /at most 1 MiB \(1048576 bytes\)/);
  t.ok(received <= options.maxBytes, 'not a byte more was handed on');
});

t.test('the caller can give up at any time', async (t) => {
  const aborted = AbortSignal.abort();
  await fails(t, openImage(at('/image'), options, aborted), 'Aborted', /given up/);
  const late = new AbortController();
  setTimeout(() => late.abort(), 20);
  await fails(t, fetched(at('/silent'), {}, late.signal), 'Aborted', /given up/);
  const later = new AbortController();
  const opened = await openImage(at('/stalls'), options, later.signal);
  await opened.head(1000);
  later.abort();
  await fails(t, all(opened.content), 'Aborted', /given up/);
});

t.test('what no server answers is unavailable', async (t) => {
  const closed = net.createServer();
  const unused = await listening(closed, '127.0.0.1');
  closed.close();
  await fails(t, fetched(`http://127.0.0.1:${unused}/`), 'Unavailable', /ECONNREFUSED/);
  await fails(
    t,
    fetched('http://no-such-name.invalid/', { resolve: async () => Promise.reject(new Error('ENOTFOUND')) }),
    'Unavailable',
    /ENOTFOUND/,
  );
});

/** The error met when a server answers with exactly these bytes and closes. */
async function answering(bytes: string, work: (url: string) => Promise<unknown>): Promise<ImageError> {
  const server = net.createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(bytes)));
  try {
    return await failure(work(`http://127.0.0.1:${await listening(server, '127.0.0.1')}/`));
  } finally {
    server.close();
  }
}

t.test('answers that are not HTTP, or not one answer, fail', async (t) => {
  const get = (url: string): Promise<unknown> => fetched(url);
  t.match(await answering('SSH-2.0-OpenSSH\r\n', get), { code: 'Unavailable', message: /not HTTP/ });
  t.match(await answering(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}\r\n`, get), {
    code: 'Unavailable',
    message: /not HTTP \(HPE_HEADER_OVERFLOW/,
  });
  t.match(await answering('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n', get), { code: 'Unavailable' });
  t.match(await answering('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello', get), { code: 'Unavailable' });
  t.match(await answering('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello', get), { code: 'Incomplete', message: /after 5 bytes/ });
  t.match(await answering('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', get), {
    code: 'Unavailable',
    message: /ended without an answer/,
  });
  t.match(await answering('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n', get), {
    code: 'BadResponse',
    message: /"gzip, chunked"/,
  });
  t.match(await answering('', get), { code: 'Unavailable' });
});

const sum = (algorithm: 'sha256' | 'sha512', bytes: Uint8Array): Checksum => ({
  algorithm,
  hex: createHash(algorithm).update(bytes).digest('hex'),
});

async function* inChunks(...chunks: readonly string[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

t.test('a checksum is verified at the end, and the last chunk waits for it', async (t) => {
  for (const algorithm of ['sha256', 'sha512'] as const)
    t.equal((await all(verified(inChunks('a', 'b', 'c'), sum(algorithm, Buffer.from('abc'))))).toString(), 'abc');
  t.equal((await all(verified(inChunks('a', 'b'), undefined))).toString(), 'ab');
  t.equal((await all(verified(inChunks(), sum('sha256', Buffer.alloc(0))))).toString(), '');
  let received = '';
  const taken = async (): Promise<void> => {
    for await (const chunk of verified(inChunks('a', 'b', 'c'), sum('sha256', Buffer.from('abd'))))
      received += Buffer.from(chunk).toString();
  };
  const [found, expected] = [sum('sha256', Buffer.from('abc')).hex, sum('sha256', Buffer.from('abd')).hex];
  await fails(t, taken(), 'ChecksumMismatch', new RegExp(`is ${found}, expected was ${expected}`));
  t.equal(received, 'ab');
});

t.test('checksums are decoded strictly', async (t) => {
  t.strictSame(parseChecksum(`sha256:${'aB'.repeat(32)}`), { algorithm: 'sha256', hex: 'ab'.repeat(32) });
  t.strictSame(parseChecksum(`sha512:${'0'.repeat(128)}`), { algorithm: 'sha512', hex: '0'.repeat(128) });
  for (const text of [
    '',
    'md5:00',
    `sha256:${'0'.repeat(63)}`,
    `sha512:${'0'.repeat(64)}`,
    `sha256:${'g'.repeat(64)}`,
    '0'.repeat(64),
    `sha256:${'0'.repeat(64)}\n`,
  ])
    t.throws(() => parseChecksum(text), { code: 'InvalidChecksum', message: /64 hexadecimal digits/ });
});

const source = (path: string, more: Partial<ImageSource> = {}): ImageSource => ({ url: at(path), format: 'Raw', ...more });
const limits = { granted, virtualSizeBytes: 2 ** 20 };

t.test('a source is opened, counted and verified', async (t) => {
  const opened = await openSource(source('/image', { checksum: sum('sha512', image) }), limits, never);
  t.match(opened, { totalBytes: image.length, progressBytes: 0 });
  t.ok((await all(opened.content)).equals(image));
  t.equal(opened.progressBytes, image.length);
  await t.rejects(all(opened.content), /only once/);
  const wrong = await openSource(source('/image', { checksum: sum('sha256', Buffer.from('x')) }), limits, never);
  await fails(t, all(wrong.content), 'ChecksumMismatch', /expected was/);
  t.ok(wrong.progressBytes < image.length);
});

t.test('a source that is refused hands nothing on and leaves no connection', async (t) => {
  await fails(
    t,
    openSource(source('/image', { format: 'Qcow2' }), limits, never),
    'NotThisFormat',
    /127.0.0.1:\d+\/image: the image is declared Qcow2/,
  );
  await fails(t, openSource(source('/image'), { ...limits, virtualSizeBytes: 1000 }, never), 'TooLarge', /at most 1000 bytes/);
  await fails(t, openSource(source('/empty'), limits, never), 'Incomplete', /is empty/);
  await fails(t, openSource(source('/endless', { format: 'Qcow2' }), limits, never), 'NotThisFormat', /begins with/);
  const opened: RemoteImage = await openImage(at('/endless'), options, never);
  await opened[Symbol.asyncDispose]();
  for await (const _ of (await openImage(at('/endless'), options, never)).content) break;
  while (openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(openConnections, 0);
});

t.test('the rest of an image is fetched as long as it is the same image, and is verified with what was there', async (t) => {
  const whole = randomBytes(3 * 2 ** 20);
  let answer: (asked: http.IncomingMessage, response: http.ServerResponse) => void = () => {};
  const server = http.createServer((asked, response) => answer(asked, response));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${await listening(server, '127.0.0.1')}/rest`;
  const checked: ImageSource = { url, format: 'Raw', checksum: sum('sha256', whole) };
  const roomy = { granted, virtualSizeBytes: 2 ** 23 };
  const begin = async (bytes: Buffer) => ({ ...(await readBegun(pieces(bytes), sum('sha256', whole))), validator: '"v1"' });
  const asRange =
    (more: Readonly<Record<string, string>> = {}) =>
    ({ headers }: http.IncomingMessage, response: http.ServerResponse) => {
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
      if (headers['if-range'] !== '"v1"') return response.end(whole);
      response.writeHead(206, { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}`, ...more });
      return response.end(whole.subarray(from));
    };
  answer = asRange();
  const begun = await begin(whole.subarray(0, 2 * 2 ** 20 + 5));
  t.ok(begun.offset > 2 ** 19 && begun.offset <= 2 ** 20 + 5, 'the end of what is stored is fetched again');
  const resumed = await resumeSource(checked, roomy, begun, never);
  t.match(resumed, { progressBytes: begun.offset, totalBytes: whole.length });
  t.ok((await all(resumed?.content ?? pieces(whole))).equals(whole.subarray(begun.offset)));
  t.equal(resumed?.progressBytes, whole.length);

  const spoilt = Buffer.from(whole.subarray(0, 2 * 2 ** 20));
  spoilt[7] = (spoilt[7] ?? 0) ^ 1;
  const wrong = await resumeSource(checked, roomy, await begin(spoilt), never);
  await fails(t, all(wrong?.content ?? pieces(whole)), 'ChecksumMismatch', /expected was/);

  const resume = async (validator = '"v1"') =>
    resumeSource(checked, roomy, { ...(await begin(whole.subarray(0, 2 ** 21))), validator }, never);
  t.equal(await resume('"v0"'), undefined, 'another image, all of which would come');
  answer = asRange({ 'content-range': `bytes 0-${whole.length - 1}/${whole.length}` });
  await fails(t, resume(), 'BadResponse', /the server gives "bytes 0-.*, asked was what comes from byte/);
  answer = asRange({ 'content-range': `bytes 1048576-1048580/${whole.length}` });
  await fails(t, resume(), 'BadResponse', /the server gives/);
  answer = (_asked, response) => response.writeHead(416).end();
  await fails(t, resume(), 'BadResponse', /416/);
  answer = asRange({ 'content-range': 'bytes 1048576-99999999999/100000000000' });
  await fails(t, resume(), 'TooLarge', /at most/);

  const tagged = async (headers: Readonly<Record<string, string>>) => {
    answer = (_asked, response) => response.writeHead(200, headers).end(whole);
    await using opened = await openSource(checked, roomy, never);
    return opened.validator;
  };
  const modified = 'Thu, 26 Nov 2026 06:00:00 GMT';
  t.equal(await tagged({ etag: '"a"', 'last-modified': modified }), '"a"');
  t.equal(await tagged({ etag: 'W/"a"', 'last-modified': modified }), modified, 'a weak tag stands for other bytes, too');
  t.equal(await tagged({ etag: 'W/"a"' }), undefined);
});

t.test('a body whose end is not known needs a checksum', async (t) => {
  const unframed = `HTTP/1.0 200 OK\r\n\r\n${'x'.repeat(2000)}`;
  const open = (checksum?: Checksum) => async (url: string) =>
    all((await openSource({ url, format: 'Raw', ...(checksum === undefined ? {} : { checksum }) }, limits, never)).content);
  t.match(await answering(unframed, open()), { code: 'Unverifiable', message: /give a checksum/ });
  t.match(await answering(unframed, open(sum('sha256', Buffer.from('y')))), { code: 'ChecksumMismatch' });
});

t.test('a qcow2 image is judged over the wire', async (t) => {
  const path = join(folder, 'disk.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1M']);
  const good = readFileSync(path);
  execFileSync('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', path, '1M']);
  const bad = readFileSync(path);
  const serve = (bytes: Buffer) => async (work: (url: string) => Promise<void>) => {
    const server = http.createServer((_, response) => response.end(bytes));
    await work(`http://127.0.0.1:${await listening(server, '127.0.0.1')}/disk.qcow2`);
    server.close();
  };
  await serve(good)(async (url) => {
    const opened = await openSource({ url, format: 'Qcow2', checksum: sum('sha256', good) }, limits, never);
    t.equal(opened.virtualSizeBytes, 2 ** 20);
    t.ok((await all(opened.content)).equals(good));
  });
  await serve(bad)(async (url) => {
    await fails(
      t,
      openSource({ url, format: 'Qcow2' }, limits, never),
      'BackingFile',
      /disk.qcow2: the image names a backing file "\/etc\/passwd"/,
    );
  });
});
